// A list that is loaded page by page while it is read, and kept fresh at its top.

import { h } from "./dom.js";

export const PAGE = 100;

export function pagedList({ load, row, key, body }) {
  const shown = new Map();
  const drawn = new Map();
  let last = null;
  let generation = 0;
  const more = h("button", { class: "button", type: "button", on: { click: () => next() } }, "Load more");
  const foot = h("div", { class: "more", hidden: true }, more);
  new IntersectionObserver((entries) => entries.some((e) => e.isIntersecting) && next()).observe(foot);

  async function start() {
    const mine = ++generation;
    const found = await load(null);
    if (mine !== generation) return null;
    shown.clear();
    drawn.clear();
    body.replaceChildren();
    add(found);
    return found.length;
  }

  async function next() {
    if (last === null || more.disabled) return;
    const mine = generation;
    more.disabled = true;
    try {
      const found = await load(last);
      if (mine === generation) add(found);
    } finally {
      more.disabled = false;
    }
  }

  function add(found) {
    for (const item of found) {
      const line = row(item);
      shown.set(key(item), line);
      drawn.set(key(item), JSON.stringify(item));
      body.append(line);
    }
    last = found.length === PAGE ? found[found.length - 1].position : null;
    foot.hidden = last === null;
  }

  async function refresh() {
    const mine = generation;
    const found = await load(null);
    if (mine !== generation) return;
    if (shown.size === 0) { add(found); return; }
    for (const item of found.reverse()) {
      const old = shown.get(key(item));
      const signature = JSON.stringify(item);
      if (drawn.get(key(item)) === signature) continue;
      drawn.set(key(item), signature);
      const line = row(item);
      const hadFocus = old && old.contains(document.activeElement);
      if (old) old.replaceWith(line);
      else body.prepend(line);
      shown.set(key(item), line);
      if (hadFocus) line.querySelector("[data-line]")?.focus();
    }
  }

  return { start, refresh, foot, isEmpty: () => shown.size === 0 };
}

export function slowly(work, ms) {
  let timer = null;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...args), ms);
  };
}
