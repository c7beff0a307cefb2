// What one step, or the run itself, was given and gave.

import { badge, h } from "./dom.js";
import { askForInput } from "./edit.js";
import { duration, errorOf, moment, nameOf } from "./format.js";
import { failure, json } from "./json.js";
import { attemptsOf, FUNCTION } from "./waterfall.js";

const CODE = "Runs code";
const KINDS = { __proto__: null, StepRun: CODE, StepPlanned: CODE, StepError: CODE, StepFailed: CODE, Sleep: "Sleeps", WaitForEvent: "Waits for an event", WaitForSignal: "Waits for a signal", InvokeFunction: "Invokes a function", Gateway: "Fetches", AIGateway: "Asks a model" };

export function detail(run, chosen, rerun) {
  const step = run.steps.find((each) => each.id === chosen);
  return step ? ofStep(run, step, rerun) : ofRun(run);
}

function ofRun(run) {
  const isFailed = run.status === "Failed";
  const error = isFailed ? errorOf(run.output) : null;
  return [
    h("div", { class: "head" }, h("h2", {}, "Run"), badge(run.status)),
    error ? failure(error) : null,
    run.ended_at && !isFailed ? [h("h3", {}, "Output"), json(run.output, "Output")] : null,
    h("h3", {}, "Input"), json(run.events.length > 1 ? run.events.map(inputOf) : inputOf(run.event), "Input"),
    run.metadata.length ? [h("h3", {}, "Metadata"), run.metadata.map(({ kind, op, values }) => json({ kind, op, values }, "Metadata"))] : null,
    ...attemptList(attemptsOf(run, FUNCTION).filter((a) => a.outcome === "failed"), "Failed calls of the function"),
  ];
}

function ofStep(run, step, rerun) {
  const waiting = run.waiting.find((each) => each.step_id === step.id);
  const isDone = step.ended_at && step.state !== "cancelled";
  const button = (text, click) => h("button", { class: "button", type: "button", on: { click } }, text);
  return [
    h("div", { class: "head" }, h("h2", {}, nameOf(step)), badge(step.state),
      h("div", { class: "actions" },
        isDone ? button("Rerun from here", () => rerun(step.id)) : null,
        isDone && KINDS[step.op] === CODE ? button("Edit input", () => askForInput(step, rerun)) : null)),
    h("dl", { class: "facts" },
      fact("Kind", KINDS[step.op] || step.op),
      fact("Started", moment(step.started_at)),
      fact("Took", duration(step.duration_ms) || "not done"),
      waiting ? fact(step.state === "retrying" ? "Tries again" : "Until", moment(waiting.due)) : null),
    step.error ? failure(errorOf(step.error)) : null,
    step.state === "completed" ? [h("h3", {}, "Output"), json(step.output, "Output")] : null,
    step.input ? [h("h3", {}, "Input"), json(step.input, "Input")] : null,
    ...attemptList(attemptsOf(run, step.id), "Attempts"),
  ];
}

function inputOf({ name, data, user, ...rest }) {
  return { name, data, ...(user && Object.keys(user).length ? { user } : {}), ...rest };
}

function attemptList(attempts, title) {
  if (!attempts.length) return [];
  return [h("h3", {}, title), h("ol", { class: "attempts" }, attempts.map((attempt) => {
    const error = attempt.outcome === "failed" ? errorOf(attempt.error) : null;
    return h("li", {},
      h("span", { class: "muted" }, `${attempt.attempt + 1}.`),
      h("span", { class: "what" }, error ? [h("strong", {}, error.name), ": ", h("bdi", {}, error.message)] : "done"),
      h("span", { class: "muted" }, duration(attempt.duration_ms)));
  }))];
}

function fact(name, value) {
  return h("div", {}, h("dt", {}, name), h("dd", {}, value));
}
