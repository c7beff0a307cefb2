// All events, the newest first, with what they started.

import { get } from "./api.js";
import { empty, h, replace } from "./dom.js";
import { ago, moment, short } from "./format.js";
import { json } from "./json.js";
import { listen } from "./live.js";
import { PAGE, pagedList, slowly } from "./pages.js";

export function eventsPage(main, query) {
  const wanted = { search: "", internal: "", ...Object.fromEntries(query) };
  const open = new Set();
  const search = h("input", { type: "search", placeholder: "Search name, data, id  ( / )", "aria-label": "Search events", value: wanted.search,
    on: { input: slowly(() => { wanted.search = search.value; start(); }, 200) } });
  const internal = h("input", { type: "checkbox", id: "internal", on: { change: () => { wanted.internal = internal.checked ? "1" : ""; start(); } } });
  const body = h("tbody");
  const none = h("div", { hidden: true });
  const table = h("div", { class: "scroll" }, h("table", {}, h("thead", {}, h("tr", {},
    ["Event", "Data", "Runs", "Received", ""].map((title) => h("th", { scope: "col" }, title)))), body));
  const list = pagedList({ body, row: (event) => row(event, open), key: (event) => event.internal_id,
    load: (before) => get("events", { ...wanted, before, limit: PAGE }) });
  replace(main, h("div", { class: "head" }, h("h1", {}, "Events")),
    h("div", { class: "tools" }, search, h("label", { for: "internal" }, internal, "Internal events")),
    h("section", { class: "card", "aria-label": "Events" }, table, none, list.foot));

  async function start() {
    if ((await list.start()) !== null) tellEmpty();
  }

  function tellEmpty() {
    table.hidden = list.isEmpty();
    none.hidden = !table.hidden;
    replace(none, wanted.search ? empty("No events match") : empty("No events yet", h("a", { href: "#/send" }, "Send one")));
  }

  start();
  return listen(slowly(async () => { await list.refresh(); tellEmpty(); }, 150));
}

function row(event, open) {
  const more = h("details", { class: "event", open: open.has(event.internal_id) },
    h("summary", { "data-line": true }, h("code", {}, short(event.body.data))));
  const fill = () => { if (more.open && more.children.length === 1) more.append(json(event.body)); };
  more.addEventListener("toggle", () => {
    open[more.open ? "add" : "delete"](event.internal_id);
    fill();
  });
  fill();
  const again = `#/send?${new URLSearchParams({ name: event.name, data: JSON.stringify(event.body.data) })}`;
  return h("tr", {},
    h("td", {}, h("strong", {}, event.name)),
    h("td", { class: "wide" }, more),
    h("td", {}, event.runs ? h("a", { href: `#/runs?event=${event.internal_id}` }, `${event.runs} run${event.runs > 1 ? "s" : ""}`) : h("span", { class: "muted" }, "none")),
    h("td", { class: "muted", title: moment(event.received_at), "data-since": event.received_at }, ago(event.received_at)),
    h("td", { class: "number" }, event.name.startsWith("inngest/") ? null : h("a", { class: "button", href: again }, "Send again")));
}
