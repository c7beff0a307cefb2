// All runs, the newest first: filtered, searched, live.

import { get } from "./api.js";
import { badge, empty, h, replace, tell } from "./dom.js";
import { ago, duration, moment } from "./format.js";
import { listen } from "./live.js";
import { PAGE, pagedList } from "./list.js";
import { inOrder, keepInAddress, slowly } from "./requests.js";

const STATUSES = ["Running", "Completed", "Failed", "Cancelled", "Scheduled"];

export function runsPage(main, query, _id, place) {
  const wanted = { status: "", function: "", search: "", event: "", ...Object.fromEntries(query) };
  const chips = h("div", { class: "chips", role: "group", "aria-label": "Status" });
  const functions = h("select", { "aria-label": "Function", on: { change: () => change({ function: functions.value }) } },
    h("option", { value: "" }, "All functions"));
  const search = h("input", { type: "search", placeholder: "Search id, event, data, output  ( / )", "aria-label": "Search runs",
    value: wanted.search, on: { input: () => typed() } });
  const typed = slowly(() => change({ search: search.value }), 200);
  const body = h("tbody");
  const none = h("div", { role: "status" });
  const table = h("div", { class: "scroll" }, h("table", {},
    h("thead", {}, h("tr", {}, ["Status", "Function", "Event", "Run", "Started", "Duration"].map((title) =>
      h("th", { scope: "col", class: title === "Duration" ? "number" : null }, title)))), body));
  const list = pagedList({
    body, row, key: (run) => run.run_id, drawn: tellEmpty,
    load: (before) => get("runs", { ...wanted, before, limit: PAGE }),
  });
  replace(main,
    h("div", { class: "head" }, h("h1", {}, "Runs"),
      wanted.event ? h("a", { class: "tag", href: "#/runs", title: "Show all runs" }, `of event ${wanted.event} ×`) : null),
    h("div", { class: "tools" }, search, functions, chips),
    h("section", { class: "card", "aria-label": "Runs" }, table, none, list.foot));

  function change(values) {
    Object.assign(wanted, values);
    keepInAddress("#/runs", wanted);
    start();
  }

  function start(at) {
    count();
    list.start(at);
  }

  function tellEmpty(shown) {
    table.hidden = !shown;
    const isFiltered = Object.values(wanted).some(Boolean);
    tell(none, shown ? null : isFiltered ? empty("No runs match", "Change the filters or the search.")
      : empty("No runs yet", "Send an event that a function is triggered by."));
  }

  const count = inOrder(() => get("overview", { ...wanted, status: "" }), ({ counts }) => {
    const total = Object.values(counts).reduce((sum, number) => sum + number, 0);
    const had = chips.contains(document.activeElement) ? document.activeElement.dataset.status : null;
    replace(chips, [["", "All", total], ...STATUSES.map((s) => [s, s, counts[s] || 0])].map(([status, name, number]) =>
      h("button", { type: "button", "data-status": status, "aria-pressed": String(wanted.status === status), on: { click: () => change({ status }) } },
        `${name} `, h("small", {}, number.toLocaleString()))));
    if (had !== null) chips.querySelector(`[data-status="${CSS.escape(had)}"]`)?.focus();
  });

  const offer = inOrder(() => get("functions"), (found) => {
    const ids = new Set(found.map((f) => f.id));
    if (wanted.function) ids.add(wanted.function);
    functions.replaceChildren(functions.firstChild, ...[...ids].map((id) => h("option", { value: id }, id)));
    functions.value = wanted.function;
  });
  offer();
  start(place);
  const recount = slowly(count, 150);
  const forget = listen((ids) => {
    recount();
    list.changed(ids);
    if (!ids?.size) offer(); // something other than a run has changed: an app may have registered
  });
  return () => { forget(); typed.stop(); };
}

function row(run) {
  const href = `#/runs/${run.run_id}`;
  // A click anywhere opens the run; not on a link, which opens by itself, and not after selecting text.
  const open = (event) => { if (!event.target.closest("a") && !String(getSelection())) location.hash = href; };
  return h("tr", { class: "link", on: { click: open } },
    h("td", {}, badge(run.status)),
    h("td", { class: "name" }, h("a", { href, "data-line": true }, run.function_id)),
    h("td", { class: "name" }, h("span", {}, run.event_name)),
    h("td", { class: "mono muted" }, run.run_id),
    h("td", { class: "muted", title: moment(run.created_at), "data-since": run.started_at || run.created_at }, ago(run.started_at || run.created_at)),
    h("td", { class: "number" }, duration(run.duration_ms)));
}
