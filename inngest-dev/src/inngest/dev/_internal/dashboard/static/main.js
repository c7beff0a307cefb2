// Show the page that the address names. A page is a function that draws it, and returns what ends it.

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
const places = new Map(); // for each entry of the history: how many lines were shown, and where it was scrolled to
let leave = () => {};
let entry = null;

function route() {
  // the URL that an engine has printed was opened in this tab: its token is read when the page is loaded
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
  // without a focus in it, screen readers would not notice the new page
  if (!isFirst && !main.contains(document.activeElement)) main.focus({ preventScroll: true });
}

// Decode a part of the address. It may have been typed, and what is no valid escape stays as it is.
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
