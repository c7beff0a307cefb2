// Times and values as people read them.

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

export function ago(iso, now = Date.now()) {
  if (!iso) return "";
  const seconds = (now - Date.parse(iso)) / 1000;
  if (seconds < 5) return "just now";
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return new Date(iso).toLocaleString();
}

export function moment(iso) {
  return iso ? new Date(iso).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" }) : "";
}

// Marks of direction would show a text other than it is: they are shown as JSON escapes them.
export function plain(text) {
  return text.replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

export function written(value, indent) {
  const text = JSON.stringify(value, null, indent);
  return text && plain(text);
}

export function short(value, length = 90) {
  const text = written(value) || "";
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}

export function errorOf(value) {
  if (value === null || value === undefined) return null;
  const inner = value && typeof value === "object" && value.error && typeof value.error === "object" ? value.error : value;
  if (typeof inner !== "object") return { name: "Error", message: String(inner), stack: "" };
  return { name: inner.name || "Error", message: inner.message || "", stack: inner.stack || "" };
}
