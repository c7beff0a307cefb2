// Dark, light, or as the system has it. The choice stays in this browser.

import { recall, remember } from "./memory.js";

const KEY = "inngest-dev-theme";

export function restoreTheme() {
  apply(recall("localStorage", KEY));
}

export function toggleTheme() {
  const now = document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  const next = now === "dark" ? "light" : "dark";
  remember("localStorage", KEY, next);
  apply(next);
}

function apply(theme) {
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
}
