// A list that is loaded page by page as it is scrolled, and updated as the engine's data changes.

import { h } from "./dom.js";
import { slowly } from "./requests.js";

export const PAGE = 100;

export function pagedList({ load, row, key, body, drawn }) {
  let lines = []; // of { key, position, signature, element }, the newest first
  let hasMore = false;
  let generation = 0;
  let isRefreshing = false;
  let stale = new Set();
  let isAllStale = false;
  let loading = null;
  let isAtTop = true;
  let isBehind = false;
  const more = h("button", { class: "button", type: "button", on: { click: () => next() } }, "Load more");
  const foot = h("div", { class: "more", hidden: true }, more);
  const sight = new IntersectionObserver((entries) => entries.some((e) => e.isIntersecting) && next());
  sight.observe(foot);

  new IntersectionObserver((entries) => {
    isAtTop = entries[entries.length - 1].isIntersecting;
    if (isAtTop && isBehind) start();
  }).observe(body.parentElement.tHead);

  // Load the list anew; at a place where the reader has been before, if one is given.
  async function start(place) {
    const mine = ++generation;
    const found = await load(null);
    if (mine !== generation) return;
    restart(found);
    if (!place) return;
    while (lines.length < place.shown && hasMore && mine === generation) await next();
    if (mine !== generation) return;
    if (document.activeElement.matches("body, main")) { // the user may have moved on to another element
      body.querySelector(`a[href="${CSS.escape(place.next)}"]`)?.focus({ preventScroll: true });
    }
    window.scrollTo(0, place.top);
  }

  function restart(found) {
    isBehind = false;
    body.replaceChildren();
    lines = [];
    settle(found, Infinity);
  }

  function next() {
    if (hasMore) loading = loading || loadNext().finally(() => { loading = null; });
    return loading;
  }

  async function loadNext() {
    const mine = generation;
    const before = lines[lines.length - 1].position;
    const found = await load(before);
    if (mine === generation) settle(found, before);
    sight.unobserve(foot); // an observer reports changes only: so it reports a foot that is still in sight
    sight.observe(foot);
  }

  // Put a page of items in the place of what the list shows below a position. Those further down stay.
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

  // Note which items have changed, by their keys; null: all may have. They are loaded a little later.
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

  // Load the newest page again, and the pages further down with a line that has changed.
  async function refresh(isStale) {
    const mine = generation;
    for (let before = Infinity; before !== null;) {
      const found = await load(before === Infinity ? null : before);
      if (mine !== generation) return;
      let floor = floorOf(found);
      // more new items than fit a page: between them and the lines that are shown is a gap
      if (before === Infinity && lines.length && floor > lines[0].position) {
        if (isAtTop) return restart(found);
        [isBehind, floor] = [true, Infinity]; // somebody reads further down: the list stays until they are back
      } else {
        settle(found, before);
      }
      const further = lines.find((line) => line.position < floor && isStale(line));
      before = further ? further.position + 1 : null;
    }
    if (isAtTop && lines.length > 2 * PAGE) shorten();
  }

  // A list that stays at its top must not grow for ever.
  function shorten() {
    lines.splice(PAGE).forEach((line) => line.element.remove());
    hasMore = true;
    foot.hidden = false;
  }

  return { start, changed, foot };
}

function floorOf(found) {
  return found.length === PAGE ? found[found.length - 1].position : 0;
}
