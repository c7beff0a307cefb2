// What this browser remembers for us. One that is told to keep nothing refuses; all works without.

export function recall(storage, key) {
  try { return window[storage].getItem(key); } catch { return null; }
}

export function remember(storage, key, value) {
  try { window[storage].setItem(key, value); } catch { /* it is refused */ }
}
