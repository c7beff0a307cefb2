// The page of one run: its facts, its waterfall, and the details of the chosen step.

import { get, post } from "./api.js";
import { detail } from "./detail.js";
import { badge, empty, h, loading, replace, single, titled, toast } from "./dom.js";
import { duration, moment } from "./format.js";
import { listen } from "./live.js";
import { inOrder, slowly } from "./requests.js";
import { drawWaterfall } from "./waterfall.js";

export function runPage(main, _query, id) {
  const parts = {
    head: h("div", { class: "head" }), facts: h("dl", { class: "facts" }),
    chart: h("section", { class: "card", "aria-label": "Steps in time" }),
    panel: h("section", { class: "card panel", "aria-label": "Details" }),
  };
  const drawn = new Map();
  let chosen = null;
  let run = null;
  let timer = null;
  let isLeft = false;

  const load = inOrder(async () => {
    try {
      return [await get(`runs/${encodeURIComponent(id)}`), null];
    } catch (error) { return [null, error]; }
  }, ([found, problem]) => {
    if (isLeft || (run && problem?.isAway)) return; // the page says already that the engine is not reached
    run = found;
    if (problem) {
      clearTimeout(timer);
      replace(main, empty("This run cannot be shown", problem.message));
      return;
    }
    document.title = titled(run.function_id);
    if (!parts.head.isConnected) replace(main, parts.head, parts.facts, h("div", { class: "run" }, parts.chart, parts.panel));
    show();
  });

  // Draw a part of the page if its content has changed. Else the focus, a selection or a click would be lost.
  function draw(name, content, make) {
    const signature = JSON.stringify(content);
    if (drawn.get(name) === signature) return;
    drawn.set(name, signature);
    const focused = parts[name].contains(document.activeElement) ? document.activeElement.textContent : null;
    replace(parts[name], make());
    if (focused === null) return;
    const again = [...parts[name].querySelectorAll("button, a, pre")].find((each) => each.textContent === focused);
    (again || main).focus({ preventScroll: true });
  }

  function show() {
    const ended = Boolean(run.ended_at);
    draw("head", [run.status], () => [
      h("h1", {}, run.function_id), badge(run.status),
      h("div", { class: "actions" },
        ended ? null : h("button", { class: "button danger", type: "button", on: { click: cancel } }, "Cancel run"),
        h("button", { class: "button", type: "button", on: { click: () => rerun() } }, "Rerun"))]);
    draw("facts", [run.started_at, run.ended_at, run.duration_ms], () => [
      fact("Run", h("span", { class: "mono" }, run.run_id)),
      fact("Event", h("a", { href: `#/runs?event=${run.event_id}` }, run.event_name)),
      fact("Started", moment(run.started_at) || (ended ? "never" : "not yet")),
      fact("Duration", duration(run.duration_ms) || (run.started_at ? "still running" : "not started"))]);
    tick();
    const step = run.steps.find((each) => each.id === chosen);
    draw("panel", [chosen, run.status, step || run.output, run.attempts, run.waiting, run.metadata], () => detail(run, chosen, rerun));
  }

  function tick() {
    drawWaterfall(parts.chart, run, chosen, choose);
    clearTimeout(timer);
    if (!run.ended_at) timer = setTimeout(tick, 1000);
  }

  function choose(part) {
    chosen = chosen === part ? null : part || null;
    show();
  }

  const cancel = single(async () => {
    try {
      await post(`runs/${encodeURIComponent(id)}/cancel`);
      toast("The run is cancelled.");
      load();
    } catch (error) { toast(error.message, true); }
  });

  const rerun = single(async (step, input) => {
    try {
      const again = await post(`runs/${encodeURIComponent(id)}/rerun`, { from_step: step, input });
      toast("The run is started again.");
      if (!isLeft) location.hash = `#/runs/${again.run_id}`;
    } catch (error) { toast(error.message, true); }
  });

  replace(main, loading());
  load();
  const reload = slowly(load, 100);
  const forget = listen((ids) => { if (ids === null || ids.has(id)) reload(); });
  return () => { isLeft = true; forget(); clearTimeout(timer); };
}

function fact(name, value) {
  return h("div", {}, h("dt", {}, name), h("dd", {}, value));
}
