// Parse JSON so that numbers stay as they were written: doubles would change long integers, and 1.0.

// Numbers that need that. A text without any is parsed the usual way, which is several times as fast.
const DELICATE = /\d{16}|\.\d*0(?![\dZ])|\b\d+(?:\.\d+)?[eE]|-0(?![\d.])/;

export function parse(text) {
  return JSON.parse(text, JSON.rawJSON && DELICATE.test(text) ? exact : undefined);
}

function exact(_key, value, { source }) {
  return typeof value === "number" && String(value) !== source ? JSON.rawJSON(source) : value;
}
