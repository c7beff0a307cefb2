// All events, the newest first, with what they started.

import { get } from "./api.js";
import { empty, h, replace, tell } from "./dom.js";
import { ago, moment, plain } from "./format.js";
import { coloured, json } from "./json.js";
import { listen } from "./live.js";
import { PAGE, pagedList } from "./list.js";
import { keepInAddress, slowly } from "./requests.js";

export function eventsPage(main, query, _id, place) {
  const wanted = { search: "", internal: "", ...Object.fromEntries(query) };
  const open = new Set();
  const search = h("input", { type: "search", placeholder: "Search name, data, id  ( / )", "aria-label": "Search events", value: wanted.search,
    on: { input: () => typed() } });
  const typed = slowly(() => change({ search: search.value }), 200);
  const internal = h("input", { type: "checkbox", id: "internal", checked: wanted.internal === "1",
    on: { change: () => change({ internal: internal.checked ? "1" : "" }) } });
  const body = h("tbody");
  const none = h("div", { role: "status" });
  const table = h("div", { class: "scroll" }, h("table", {}, h("thead", {}, h("tr", {},
    ["Event", "Data", "Runs", "Received", ""].map((title) => h("th", { scope: "col", "aria-label": title ? null : "Actions" }, title)))), body));
  const list = pagedList({ body, row: (event) => row(event, open), key: (event) => event.internal_id, drawn: tellEmpty,
    load: (before) => get("events", { ...wanted, before, limit: PAGE }) });
  replace(main, h("div", { class: "head" }, h("h1", {}, "Events")),
    h("div", { class: "tools" }, search, h("label", { for: "internal" }, internal, "Internal events")),
    h("section", { class: "card", "aria-label": "Events" }, table, none, list.foot));

  function change(values) {
    Object.assign(wanted, values);
    keepInAddress("#/events", wanted);
    list.start();
  }

  function tellEmpty(shown) {
    table.hidden = !shown;
    tell(none, shown ? null : wanted.search ? empty("No events match") : empty("No events yet", h("a", { href: "#/send" }, "Send one")));
  }

  list.start(place);
  const forget = listen((ids) => list.changed(ids && []));
  return () => { forget(); typed.stop(); };
}

function row(event, open) {
  const more = h("details", { class: "event", open: open.has(event.internal_id) },
    h("summary", { "data-line": true }, h("code", {}, coloured(plain(event.preview)))));
  const fill = async () => {
    if (!more.open || more.children.length > 1) return;
    const { body } = await get(`events/${event.internal_id}`);
    if (more.children.length === 1) more.append(json(body, "Event"));
  };
  more.addEventListener("toggle", () => {
    open[more.open ? "add" : "delete"](event.internal_id);
    fill();
  });
  fill();
  return h("tr", {},
    h("td", { class: "name" }, h("strong", {}, event.name)),
    h("td", { class: "wide" }, more),
    h("td", {}, event.runs ? h("a", { href: `#/runs?event=${event.internal_id}` }, `${event.runs} run${event.runs > 1 ? "s" : ""}`) : h("span", { class: "muted" }, "none")),
    h("td", { class: "muted", title: moment(event.received_at), "data-since": event.received_at }, ago(event.received_at)),
    h("td", { class: "number" }, event.name.startsWith("inngest/") ? null : h("a", { class: "button", href: `#/send?event=${event.internal_id}` }, "Send again")));
}
