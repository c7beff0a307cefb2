// Keyboard shortcuts for all that a mouse can do.

import { h } from "./dom.js";
import { toggleTheme } from "./theme.js";

const SHORTCUTS = [
  ["/", "Search"], ["j  k", "Next, previous line"], ["Enter", "Open"], ["Esc", "Back"],
  ["g r", "Runs"], ["g e", "Events"], ["g f", "Functions"], ["n", "Send an event"],
  ["t", "Dark or light"], ["?", "This help"],
];
const GO = { r: "#/runs", e: "#/events", f: "#/functions" };
let isGoing = false;

export function bindKeys() {
  const dialog = document.getElementById("shortcuts");
  dialog.append(
    h("h1", { id: "shortcuts-title" }, "Keyboard shortcuts"),
    h("dl", {}, SHORTCUTS.map(([keys, what]) => [
      h("dt", {}, keys.split(/\s+/).map((key) => [h("kbd", {}, key), " "])), h("dd", {}, what)])),
    h("form", { method: "dialog" }, h("button", { class: "button", autofocus: true }, "Close")));
  document.getElementById("help").addEventListener("click", () => dialog.showModal());
  document.addEventListener("keydown", (event) => pressed(event, dialog));
}

function pressed(event, dialog) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const isTyping = event.target.matches("input, textarea, select");
  if (event.key === "Escape") {
    if (isTyping) {
      event.preventDefault(); // a browser may empty the field without an event
      event.target.blur();
    } else if (/^#\/(runs\/|send)/.test(location.hash)) back();
    return;
  }
  if (isTyping) return;
  if (isGoing && GO[event.key]) location.hash = GO[event.key];
  const does = isGoing ? null : {
    "/": () => document.querySelector('input[type="search"]')?.focus(),
    "?": () => dialog.showModal(),
    j: () => move(1), k: () => move(-1),
    n: () => { location.hash = "#/send"; },
    t: toggleTheme,
  }[event.key];
  isGoing = event.key === "g" && !isGoing;
  if (does) {
    event.preventDefault();
    does();
  }
}

// A tab that was opened for a run has nothing to go back to.
function back() {
  if (history.length > 1) history.back();
  else location.hash = "#/runs";
}

function move(by) {
  const lines = [...document.querySelectorAll("[data-line]")];
  const at = lines.indexOf(document.activeElement);
  lines[Math.min(Math.max(at + by, 0), lines.length - 1)]?.focus();
}
