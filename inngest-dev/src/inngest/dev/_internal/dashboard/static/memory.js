// Keep values in the browser's storage. It may be forbidden: then nothing is kept, and all else works.

export function recall(storage, key) {
  try { return window[storage].getItem(key); } catch { return null; }
}

export function remember(storage, key, value) {
  try { window[storage].setItem(key, value); } catch { /* it is refused */ }
}
