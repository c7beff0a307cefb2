// Make elements. Text is put in as text only: never read as HTML, and never shown in another direction.

import { plain } from "./format.js";

export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (name === "style") {
      Object.assign(element.style, value);
    } else if (name === "value") {
      element.value = value;
    } else {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : plain(String(child)))));
  return element;
}

export function replace(parent, ...children) {
  parent.replaceChildren(...children.flat(Infinity).filter(Boolean));
}

// Set the content of a status. The same content is left in place: screen readers would read it again.
export function tell(status, content) {
  if (status.textContent !== (content?.textContent ?? "")) replace(status, content);
}

export function toast(text, bad = false) {
  const shown = h("div", { class: bad ? "toast bad" : "toast", role: bad ? "alert" : null }, text);
  document.querySelectorAll(".toast").forEach((each) => each.textContent === shown.textContent && each.remove());
  document.getElementById("toasts").append(shown);
  setTimeout(() => shown.remove(), bad ? 8000 : 4000);
}

// Work that is not begun again while it is under way: a second click does nothing.
export function single(work) {
  let isWorking = false;
  return async (...given) => {
    if (isWorking) return;
    isWorking = true;
    try { await work(...given); } finally { isWorking = false; }
  };
}

export function titled(what) {
  return `${plain(what)} · Inngest dev`;
}

export function badge(status) {
  return h("span", { class: `badge ${status}` }, status);
}

export function empty(title, ...text) {
  return h("div", { class: "empty" }, h("strong", {}, title), ...text);
}

export function loading() {
  return h("p", { class: "empty loading", role: "status" }, "Loading");
}
