// The functions that apps have registered.

import { get } from "./api.js";
import { empty, h, loading, replace } from "./dom.js";
import { written } from "./format.js";
import { listen } from "./live.js";
import { inOrder, slowly } from "./requests.js";

export function functionsPage(main) {
  const content = h("section", { class: "card", "aria-label": "Functions" });
  replace(main, h("div", { class: "head" }, h("h1", {}, "Functions")), content);
  let drawn = null;

  const load = inOrder(() => get("functions"), (found) => {
    if (drawn === JSON.stringify(found)) return;
    drawn = JSON.stringify(found);
    if (!found.length) {
      replace(content, empty("No functions yet", "Start your app with ", h("code", {}, "python -m inngest dev --app module:app"), " or sync it with ", h("code", {}, "--url"), "."));
      return;
    }
    replace(content, h("div", { class: "scroll" }, h("table", {},
      h("thead", {}, h("tr", {}, ["Function", "Triggers", "Retries", "Flow control", ""].map((title) =>
        h("th", { scope: "col", class: title === "Retries" ? "number" : null, "aria-label": title ? null : "Actions" }, title)))),
      h("tbody", {}, found.map(row)))));
  });

  replace(content, loading());
  load();
  const reload = slowly(load, 150);
  return listen(reload);
}

function row(f) {
  const event = f.triggers.find((trigger) => trigger.event && !trigger.event.startsWith("inngest/"));
  const limits = Object.keys(f.options || {}).filter((name) => !["id", "name", "triggers", "steps"].includes(name) && notEmpty(f.options[name]));
  return h("tr", {},
    h("td", { class: "wide" }, h("a", { href: `#/runs?function=${encodeURIComponent(f.id)}`, "data-line": true }, f.name), h("div", { class: "mono muted" }, f.id)),
    h("td", { class: "wide" }, f.triggers.map((t) => h("span", { class: "tag" }, t.cron ? `cron ${t.cron}` : t.event + (t.expression ? ` if ${t.expression}` : "")))),
    h("td", { class: "number" }, f.retries),
    h("td", { class: "wide" }, limits.length ? limits.map((name) => h("span", { class: "tag", title: written(f.options[name]) }, name)) : h("span", { class: "muted" }, "none")),
    h("td", { class: "number" }, h("a", { class: "button", href: `#/send?${new URLSearchParams(event ? { name: event.event } : { invoke: f.id })}` }, event ? "Send event" : "Invoke")));
}

function notEmpty(value) {
  return value !== null && value !== undefined && !(Array.isArray(value) && !value.length);
}
