// One run: its facts, its waterfall, and the part of it that is looked at.

import { get, post } from "./api.js";
import { detail } from "./detail.js";
import { badge, empty, h, replace, toast } from "./dom.js";
import { duration, moment } from "./format.js";
import { listen } from "./live.js";
import { slowly } from "./pages.js";
import { waterfall } from "./waterfall.js";

export function runPage(main, _query, id) {
  let chosen = null;
  let run = null;
  let timer = null;

  async function load() {
    try {
      run = await get(`runs/${encodeURIComponent(id)}`);
    } catch (error) {
      replace(main, empty("This run cannot be shown", error.message));
      return;
    }
    show();
  }

  function show() {
    const focused = document.activeElement?.dataset?.part;
    const ended = Boolean(run.ended_at);
    replace(main,
      h("div", { class: "head" },
        h("h1", {}, run.function_id), badge(run.status),
        h("div", { class: "actions" },
          ended ? null : h("button", { class: "button danger", type: "button", on: { click: cancel } }, "Cancel run"),
          h("button", { class: "button", type: "button", on: { click: () => rerun() } }, "Rerun"))),
      h("dl", { class: "facts" },
        fact("Run", h("span", { class: "mono" }, run.run_id)),
        fact("Event", h("a", { href: `#/runs?event=${run.event_id}` }, run.event_name)),
        fact("Started", moment(run.started_at) || "not yet"),
        fact("Duration", duration(run.duration_ms) || "still running")),
      h("div", { class: "run" },
        h("section", { class: "card", "aria-label": "Steps in time" }, waterfall(run, chosen, choose)),
        h("section", { class: "card panel", "aria-label": "Details", "aria-live": "off" }, detail(run, chosen, rerun))));
    if (focused) main.querySelector(`[data-part="${CSS.escape(focused)}"]`)?.focus();
    clearTimeout(timer);
    if (!ended) timer = setTimeout(tick, 1000);
  }

  function tick() {
    const panel = main.querySelector(".panel");
    const isRead = panel && (panel.contains(document.activeElement) || !getSelection().isCollapsed);
    run.now += 1000;
    if (!isRead) show();
    else timer = setTimeout(tick, 1000);
  }

  function choose(part) {
    chosen = chosen === part ? null : part;
    show();
  }

  async function cancel() {
    try {
      await post(`runs/${id}/cancel`);
      toast("The run is cancelled.");
      load();
    } catch (error) { toast(error.message, true); }
  }

  async function rerun(step) {
    try {
      const again = await post(`runs/${id}/rerun`, step ? { from_step: step } : {});
      toast("The run is started again.");
      location.hash = `#/runs/${again.run_id}`;
    } catch (error) { toast(error.message, true); }
  }

  load();
  const reload = slowly(load, 100);
  const forget = listen((ids) => { if (ids === null || ids.has(id)) reload(); });
  return () => { forget(); clearTimeout(timer); };
}

function fact(name, value) {
  return h("div", {}, h("dt", {}, name), h("dd", {}, value));
}
