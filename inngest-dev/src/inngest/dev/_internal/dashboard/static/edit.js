// Ask for the arguments that a step is to be run with once more.

import { h } from "./dom.js";
import { parse } from "./exact.js";
import { laidOut, nameOf } from "./format.js";

export function askForInput(step, rerun) {
  const input = h("textarea", { id: "input", spellcheck: "false", autofocus: true, "aria-describedby": "input-hint",
    value: laidOut(step.input ?? []), on: { input: check, keydown: onKey } });
  const hint = h("div", { id: "input-hint", class: "hint", role: "status" });
  const button = h("button", { class: "button primary" }, "Rerun with this input");
  const dialog = h("dialog", { class: "wide", "aria-labelledby": "input-title", on: { close: () => dialog.remove() } },
    h("h2", { id: "input-title" }, `Rerun from “${nameOf(step)}”`),
    h("p", { class: "muted" }, "The steps before it are kept. Its code is called with these arguments instead of its own."),
    h("form", { on: { submit } },
      h("div", { class: "field" }, h("label", { for: "input" }, "Arguments (a JSON list)"), input, hint),
      h("div", { class: "tools" }, button,
        h("button", { class: "button", type: "button", on: { click: () => dialog.close() } }, "Close"))));
  document.body.append(dialog);
  dialog.showModal();
  check();

  function read() {
    const value = parse(input.value);
    if (!Array.isArray(value)) throw new Error("The arguments must be a list, like [1, \"two\"].");
    return value;
  }

  function check() {
    let problem = "";
    try { read(); } catch (error) { problem = error.message; }
    hint.textContent = problem || (step.input ? "" : "The app does not tell what the step was called with.");
    hint.className = problem ? "hint bad" : "hint";
    input.setAttribute("aria-invalid", String(Boolean(problem)));
    button.disabled = Boolean(problem);
  }

  function submit(event) {
    event.preventDefault();
    const value = read();
    dialog.close();
    rerun(step.id, value);
  }

  function onKey(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !button.disabled) event.target.form.requestSubmit();
  }
}
