// A list that is loaded page by page while it is read, and kept as the engine has it.

import { h } from "./dom.js";

export const PAGE = 100;

export function pagedList({ load, row, key, body, drawn }) {
  let lines = []; // of { key, position, signature, element }, the newest first
  let hasMore = false;
  let generation = 0;
  let isRefreshing = false;
  let stale = new Set();
  let isAllStale = false;
  const more = h("button", { class: "button", type: "button", on: { click: () => next() } }, "Load more");
  const foot = h("div", { class: "more", hidden: true }, more);
  new IntersectionObserver((entries) => entries.some((e) => e.isIntersecting) && next()).observe(foot);

  async function start() {
    const mine = ++generation;
    const found = await load(null);
    if (mine !== generation) return;
    body.replaceChildren();
    lines = [];
    settle(found, Infinity);
  }

  async function next() {
    if (!hasMore || more.disabled) return;
    const mine = generation;
    more.disabled = true;
    try {
      const before = lines[lines.length - 1].position;
      const found = await load(before);
      if (mine === generation) settle(found, before);
    } finally {
      more.disabled = false;
    }
  }

  // `found` is all that there is below a position, or as much of it as fits a page.
  function settle(found, before) {
    const floor = floorOf(found);
    const known = new Map(lines.map((line) => [line.key, line]));
    const above = lines.filter((line) => line.position >= before);
    const below = lines.filter((line) => line.position < floor);
    const fresh = found.map((item) => lineOf(item, known.get(key(item))));
    const kept = new Set([...above, ...fresh, ...below]);
    lines.forEach((line) => kept.has(line) || line.element.remove());
    let after = below[0]?.element || null;
    for (const { element } of [...fresh].reverse()) {
      if (element.parentNode !== body || element.nextSibling !== after) body.insertBefore(element, after);
      after = element;
    }
    lines = [...kept];
    if (!below.length) hasMore = found.length === PAGE;
    foot.hidden = !hasMore;
    drawn(lines.length);
  }

  function lineOf(item, old) {
    const signature = JSON.stringify(item);
    if (old?.signature === signature) return old;
    const element = row(item);
    const hadFocus = old?.element.contains(document.activeElement);
    old?.element.replaceWith(element);
    if (hadFocus) element.querySelector("[data-line]")?.focus();
    return { key: key(item), position: item.position, signature, element };
  }

  // Several changes may be told before they are looked at. Null: anything may have changed.
  function changed(ids) {
    if (ids === null) isAllStale = true;
    else ids.forEach((id) => stale.add(id));
    look();
  }

  const look = slowly(async () => {
    if (isRefreshing) { look(); return; }
    isRefreshing = true;
    const isStale = ((all, some) => (line) => all || some.has(line.key))(isAllStale, stale);
    [isAllStale, stale] = [false, new Set()];
    try { await refresh(isStale); } finally { isRefreshing = false; }
  }, 150);

  // The newest page, and those further down that hold a line that changed.
  async function refresh(isStale) {
    const mine = generation;
    for (let before = Infinity; before !== null;) {
      const found = await load(before === Infinity ? null : before);
      if (mine !== generation) return;
      const floor = floorOf(found);
      if (before === Infinity && lines.length && floor > lines[0].position) return start(); // or there were a gap
      settle(found, before);
      const further = lines.find((line) => line.position < floor && isStale(line));
      before = further ? further.position + 1 : null;
    }
  }

  return { start, changed, foot };
}

function floorOf(found) {
  return found.length === PAGE ? found[found.length - 1].position : 0;
}

// So that going back, loading anew and a copied address show the same list.
export function keepInAddress(place, wanted) {
  const kept = Object.entries(wanted).filter(([, value]) => value);
  history.replaceState(null, "", `${place}${kept.length ? `?${new URLSearchParams(kept)}` : ""}`);
}

export function slowly(work, ms) {
  let timer = null;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...args), ms);
  };
}
