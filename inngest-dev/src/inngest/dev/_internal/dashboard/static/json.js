// Show JSON with colours. Of a very long text only the beginning is shown, with a button for the rest.

import { h } from "./dom.js";
import { laidOut } from "./format.js";

const LIMIT = 60000;
const TOKEN = /("(?:\\.|[^"\\])*"?)(\s*:)?|\b(true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

export function json(value, name) {
  const text = laidOut(value);
  const box = h("pre", { class: "json", tabindex: "0", role: "group", "aria-label": name });
  if (text.length <= LIMIT) {
    box.append(...coloured(text));
    return box;
  }
  const showAll = () => {
    box.replaceChildren(...pieces(text));
    box.focus();
  };
  box.append(...coloured(text.slice(0, LIMIT)), "…\n",
    h("button", { class: "button", type: "button", on: { click: showAll } }, `Show all ${Math.round(text.length / 1000)} kB`));
  return box;
}

export function failure(error) {
  return h("div", { class: "error-box" },
    h("strong", {}, error.name), error.message ? [": ", h("bdi", {}, error.message)] : "",
    error.stack ? h("pre", { class: "stack", tabindex: "0", role: "group", "aria-label": "Stack" }, error.stack) : null);
}

export function coloured(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(TOKEN)) {
    if (match.index > end) parts.push(text.slice(end, match.index));
    const kind = match[1] ? (match[2] ? "key" : "string") : match[3] ? "literal" : "number-value";
    parts.push(h("span", { class: kind }, match[1] ?? match[0]));
    if (match[1] && match[2]) parts.push(match[2]);
    end = match.index + match[0].length;
  }
  parts.push(text.slice(end));
  return parts;
}

// Elements for parts of a long text: a browser lays out only those in sight. They end where lines do, so
// that copying them gives the text.
function* pieces(text) {
  for (let start = 0, end = 0; start < text.length; start = end + 1) {
    const line = text.indexOf("\n", start + LIMIT);
    end = line < 0 ? text.length : line;
    yield h("div", { class: "piece" }, text.slice(start, end));
  }
}
