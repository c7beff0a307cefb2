// JSON whose numbers stay as they were written: of a long integer, or of 1.0, a double keeps less.

// Where there is none like that, a large answer is read several times as fast.
const DELICATE = /\d{16}|\.\d*0(?![\dZ])|\b\d+(?:\.\d+)?[eE]|-0(?![\d.])/;

export function parse(text) {
  return JSON.parse(text, JSON.rawJSON && DELICATE.test(text) ? exact : undefined);
}

function exact(_key, value, { source }) {
  return typeof value === "number" && String(value) !== source ? JSON.rawJSON(source) : value;
}
