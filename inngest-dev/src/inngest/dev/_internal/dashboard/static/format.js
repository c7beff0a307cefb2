// Write times and values for people.

export function duration(ms) {
  if (ms === null || ms === undefined) return "";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
  const units = [["d", 86400], ["h", 3600], ["m", 60], ["s", 1]];
  const parts = [];
  let left = Math.round(seconds);
  for (const [name, size] of units) {
    if (left >= size && parts.length < 2) {
      parts.push(`${Math.floor(left / size)} ${name}`);
      left %= size;
    }
  }
  return parts.join(" ");
}

let ahead = 0;

// Times are relative to the engine's clock, which may be a virtual one, and not to the browser's.
export function setClock(now) {
  ahead = now - Date.now();
}

export function clock() {
  return Date.now() + ahead;
}

export function ago(iso) {
  if (!iso) return "";
  const seconds = (clock() - Date.parse(iso)) / 1000;
  if (seconds < 5) return "just now";
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return new Date(iso).toLocaleString();
}

export function moment(iso) {
  return iso ? new Date(iso).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "long" }) : "";
}

// Escape marks of direction: they would show a text in another order than it has.
export function plain(text) {
  return text.replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

export function written(value) {
  return plain(JSON.stringify(value) ?? "null");
}

const DEEPEST = 20;
const PARTS = /"[^"\\]*(?:\\.[^"\\]*)*"|\[\]|\{\}|[[\]{},:]/g;

// JSON in lines. The indent is limited: a long list at a great depth would be mostly spaces.
export function laidOut(value) {
  let depth = 0;
  const line = () => `\n${"  ".repeat(Math.min(depth, DEEPEST))}`;
  return written(value).replace(PARTS, (part) => {
    switch (part) {
      case "[": case "{": depth += 1; return part + line();
      case "]": case "}": depth -= 1; return line() + part;
      case ",": return part + line();
      case ":": return ": ";
      default: return part;
    }
  });
}

export function errorOf(value) {
  if (value === null || value === undefined) return null;
  const inner = value && typeof value === "object" && value.error && typeof value.error === "object" ? value.error : value;
  if (typeof inner !== "object") return { name: "Error", message: String(inner), stack: "" };
  const told = (part, otherwise = "") => (typeof part === "string" ? part : part && written(part)) || otherwise;
  return { name: told(inner.name, "Error"), message: told(inner.message, inner.name ? "" : written(inner)), stack: told(inner.stack) };
}

export function nameOf(step) {
  return step.name || "unnamed step";
}
