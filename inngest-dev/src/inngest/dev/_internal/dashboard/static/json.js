// Show JSON with colours, made of text nodes; very long texts end with a button.

import { h } from "./dom.js";
import { written } from "./format.js";

const LIMIT = 60000;
const TOKEN = /("(?:\\.|[^"\\])*")(\s*:)?|\b(true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

export function json(value) {
  const text = written(value, 2) ?? "null";
  const box = h("pre", { class: "json", tabindex: "0" });
  if (text.length <= LIMIT) {
    box.append(...coloured(text));
    return box;
  }
  box.append(...coloured(text.slice(0, LIMIT)), "…\n");
  const more = h("button", { class: "button", type: "button", on: { click: () => box.replaceChildren(text) } },
    `Show all ${Math.round(text.length / 1000)} kB`);
  box.append(more);
  return box;
}

export function failure(error) {
  return h("div", { class: "error-box" },
    h("strong", {}, error.name), error.message ? `: ${error.message}` : "",
    error.stack ? h("pre", { class: "stack", tabindex: "0" }, error.stack) : null);
}

function coloured(text) {
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
