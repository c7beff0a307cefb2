// Steps over time: attempts are solid, waits are striped, what is under way is animated.

import { h } from "./dom.js";
import { clock, duration, nameOf } from "./format.js";

export const FUNCTION = "step";
const MARKS = { completed: "✓", failed: "✗", retrying: "↻", sleeping: "…", waiting: "…", invoking: "→", fetching: "→", running: "▸", cancelled: "–", Completed: "✓", Failed: "✗", Cancelled: "–", Running: "▸", Scheduled: "…" };

export function drawWaterfall(section, run, chosen, choose) {
  const scale = scaleOf(run);
  const attempts = new Map();
  for (const each of run.attempts) attempts.set(each.step_id, [...(attempts.get(each.step_id) || []), each]);
  const rows = [runRow(run, scale), ...run.steps.map((step) => stepRow(step, attempts.get(step.id) || [], scale))];
  const list = section.querySelector(".rows") || h("ul", { class: "rows" });
  const known = new Map([...list.querySelectorAll(".row")].map((row) => [row.dataset.part, row]));
  const lines = rows.map((row) => update(known.get(row.part) || line(row.part, choose), row, chosen));
  if (lines.length !== known.size || lines.some((row) => !row.isConnected)) {
    const focused = list.contains(document.activeElement) ? document.activeElement : null;
    list.replaceChildren(...lines.map((row) => h("li", {}, row)));
    focused?.focus();
  }
  const axis = h("div", { class: "axis", "aria-hidden": "true" }, h("span", {}, "Step"), ticks(scale), h("span", { class: "took" }, "Took"));
  if (list.isConnected) {
    section.querySelector(".axis").replaceWith(axis);
  } else {
    section.replaceChildren(axis, list, h("div", { class: "legend", "aria-hidden": "true" },
      legend("ok", "done"), legend("bad", "failed attempt"), legend("", "under way"), legend("wait", "waiting")));
  }
}

export function attemptsOf(run, id) {
  return run.attempts.filter((attempt) => attempt.step_id === id);
}

function scaleOf(run) {
  const start = Date.parse(run.started_at || run.created_at);
  const end = run.ended_at ? Date.parse(run.ended_at) : Math.max(clock(), start + 1);
  const span = Math.max(end - start, 1);
  return { start, end, span, at: (time) => Math.round((1000 * Math.min(Math.max(time - start, 0), span)) / span) / 10 };
}

function runRow(run, scale) {
  const tried = attemptsOf(run, FUNCTION).filter((attempt) => attempt.outcome === "failed");
  const kind = { Completed: "ok", Failed: "bad", Cancelled: "off" }[run.status] || "open";
  return {
    part: "", name: "Run", ended: Boolean(run.ended_at), state: run.status, took: run.duration_ms ?? scale.span,
    segments: [segment(scale, scale.start, scale.end, kind, run.status),
      ...tried.map((a) => segment(scale, Date.parse(a.started_at), Date.parse(a.ended_at), "bad", "failed"))],
  };
}

function stepRow(step, attempts, scale) {
  const start = Date.parse(step.started_at);
  const end = step.ended_at ? Date.parse(step.ended_at) : scale.end;
  const segments = [];
  let from = start;
  for (const attempt of attempts) {
    const begun = Date.parse(attempt.started_at);
    if (begun > from) segments.push(segment(scale, from, begun, "wait", "waits"));
    from = Date.parse(attempt.ended_at);
    segments.push(segment(scale, begun, from, attempt.outcome === "failed" ? "bad" : "ok", `attempt ${attempt.attempt + 1}`));
  }
  const isWait = !attempts.length && !step.op.startsWith("Step");
  if (isWait || (attempts.length && !step.ended_at)) segments.push(segment(scale, from, end, step.ended_at ? "wait" : "wait open", step.state));
  else if (!attempts.length) segments.push(segment(scale, from, end, step.ended_at ? "ok" : "open", step.state));
  return { part: step.id, name: nameOf(step), ended: Boolean(step.ended_at), state: step.state, took: step.duration_ms ?? end - start, segments };
}

function segment(scale, from, to, kind, title) {
  const left = scale.at(from);
  return { kind, title: `${title}: ${duration(to - from)}`, left: `min(${left}%, 100% - 4px)`, width: `${Math.max(scale.at(to) - left, 0)}%` };
}

function line(part, choose) {
  return h("button", { class: "row", type: "button", "data-line": true, "data-part": part, on: { click: () => choose(part) } });
}

const drawn = new WeakMap();

function update(button, row, chosen) {
  const took = duration(row.took);
  const isChosen = row.part === (chosen || "");
  const signature = JSON.stringify([row, took, isChosen], (name, value) => (name === "took" ? undefined : value));
  if (drawn.get(button) === signature) return button;
  drawn.set(button, signature);
  button.setAttribute("aria-pressed", String(isChosen));
  // of what goes on the name stays, or it would be read out every second
  button.setAttribute("aria-label", [row.name, row.state, ...(row.ended ? [took] : [])].join(", "));
  button.replaceChildren(
    h("span", { class: "label" }, h("span", { class: `mark ${row.state}`, "aria-hidden": "true" }, MARKS[row.state] || "·"), h("span", {}, row.name)),
    h("span", { class: "track" }, row.segments.map(({ kind, title, left, width }) => h("span", { class: `segment ${kind}`, title, style: { left, width } }))),
    h("span", { class: "took" }, took));
  return button;
}

function ticks(scale) {
  return h("span", { class: "ticks" }, [0, 0.25, 0.5, 0.75, 1].map((part) =>
    h("span", { style: { left: `${part * 100}%` } }, part ? duration(scale.span * part) : "0")));
}

function legend(kind, name) {
  return h("span", {}, h("i", { class: `segment ${kind}` }), name);
}
