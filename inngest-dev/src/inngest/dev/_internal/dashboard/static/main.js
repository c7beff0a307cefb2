// Show the page that the address names. Each page returns what ends it.

import { replace, titled, toast } from "./dom.js";
import { eventsPage } from "./events.js";
import { ago } from "./format.js";
import { functionsPage } from "./functions.js";
import { bindKeys } from "./keys.js";
import { connect } from "./live.js";
import { runPage } from "./run.js";
import { runsPage } from "./runs.js";
import { sendPage } from "./send.js";
import { restoreTheme, toggleTheme } from "./theme.js";

const PAGES = { runs: runsPage, events: eventsPage, functions: functionsPage, send: sendPage };
const TITLES = { events: "Events", functions: "Functions", send: "Send an event" };
const places = new Map(); // of the browser's history: how much was shown, and what of it
let leave = () => {};
let entry = null;

function route() {
  // an engine that was started again has printed another: it is read when the page is loaded
  if (location.hash.startsWith("#token=")) return location.reload();
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [section, id] = path.split("/").map(decoded);
  const page = section === "runs" && id ? runPage : PAGES[section] || runsPage;
  if (entry) places.set(entry, { top: scrollY, shown: document.querySelectorAll("[data-line]").length, next: location.hash });
  const isFirst = entry === null;
  entry = window.navigation?.currentEntry?.key || "";
  leave();
  const title = page === runPage ? "Run" : TITLES[section] || "Runs";
  document.title = titled(title);
  document.querySelectorAll("[data-section]").forEach((link) => {
    if (link.dataset.section === (section || "runs")) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  });
  const main = document.getElementById("main");
  replace(main);
  window.scrollTo(0, 0);
  main.setAttribute("aria-label", title);
  leave = page(main, new URLSearchParams(query || ""), id || "", places.get(entry)) || (() => {});
  // or it were nowhere, and nobody who does not see were told of the new page
  if (!isFirst && !main.contains(document.activeElement)) main.focus({ preventScroll: true });
}

// What is no escape stands for itself: an address may be typed.
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

history.scrollRestoration = "manual"; // lists have to be loaded first
restoreTheme();
bindKeys();
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address says what is shown
  document.getElementById("main").focus();
});
document.getElementById("theme").addEventListener("click", toggleTheme);
window.addEventListener("hashchange", route);
window.addEventListener("unhandledrejection", (event) => {
  if (event.reason?.isRefusal) event.preventDefault();
  toast(event.reason?.message || String(event.reason), true);
});
setInterval(() => document.querySelectorAll("[data-since]").forEach((cell) => {
  cell.textContent = ago(cell.dataset.since);
}), 10000);
route();
connect();
