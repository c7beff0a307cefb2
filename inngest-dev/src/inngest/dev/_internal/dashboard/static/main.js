// Show the page that the address names. Each page returns what ends it.

import { h, replace } from "./dom.js";
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
let leave = () => {};

function route() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  if (path === "main") return;
  const [section, id] = path.split("/");
  const page = section === "runs" && id ? runPage : PAGES[section] || runsPage;
  leave();
  document.querySelectorAll("[data-section]").forEach((link) => {
    if (link.dataset.section === (section || "runs")) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  });
  const main = document.getElementById("main");
  replace(main);
  window.scrollTo(0, 0);
  leave = page(main, new URLSearchParams(query || ""), decodeURIComponent(id || "")) || (() => {});
}

restoreTheme();
bindKeys();
document.getElementById("theme").addEventListener("click", toggleTheme);
window.addEventListener("hashchange", route);
window.addEventListener("unhandledrejection", (event) => {
  replace(document.getElementById("toasts"), h("div", { class: "toast bad" }, event.reason?.message || String(event.reason)));
});
setInterval(() => document.querySelectorAll("[data-since]").forEach((cell) => {
  cell.textContent = ago(cell.dataset.since);
}), 10000);
route();
connect();
