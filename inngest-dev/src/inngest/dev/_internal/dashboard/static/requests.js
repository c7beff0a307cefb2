// Ask the engine neither too often nor for nothing, and keep in the address what is asked for.

// The last of many calls in a row does the work, when there were none for a while.
export function slowly(work, ms) {
  let timer = null;
  const later = (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...args), ms);
  };
  later.stop = () => clearTimeout(timer);
  return later;
}

// Answers may overtake each other: one to an earlier question than what is shown is dropped.
export function inOrder(ask, show) {
  let [asked, shown] = [0, 0];
  return async (...given) => {
    const mine = ++asked;
    const found = await ask(...given);
    if (mine < shown) return;
    shown = mine;
    show(found);
  };
}

// Keep the filters in the address: going back, reloading and copying it then give the same list.
export function keepInAddress(place, wanted) {
  const kept = Object.entries(wanted).filter(([, value]) => value);
  history.replaceState(null, "", `${place}${kept.length ? `?${new URLSearchParams(kept)}` : ""}`);
}
