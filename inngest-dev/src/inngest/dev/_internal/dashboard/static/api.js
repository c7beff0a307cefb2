// Ask the engine. The token shows that it is our own page that asks.

import { parse } from "./exact.js";
import { setClock } from "./format.js";
import { recall, remember } from "./memory.js";

const HEADER = "x-inngest-dev-token";
const CLOCK = "x-inngest-dev-now";
const META = 'meta[name="inngest-dev-token"]';

// Of the URL that the engine has printed. It is kept for further tabs, and worth nothing once the engine has ended.
const given = new URLSearchParams(location.hash.slice(1)).get("token");
if (given) {
  remember("localStorage", HEADER, given);
  history.replaceState(null, "", "#/runs");
}

export let token = tokenOf(document) || given || "";

function tokenOf(page) {
  return page.querySelector(META)?.content || recall("localStorage", HEADER);
}

export async function get(path, query = {}) {
  const wanted = Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const text = new URLSearchParams(wanted).toString();
  return ask(`/ui/api/${path}${text ? `?${text}` : ""}`, () => ({ headers: { [HEADER]: token } }));
}

export async function post(path, body) {
  return ask(`/ui/api/${path}`, () => ({
    method: "POST",
    headers: { [HEADER]: token, "content-type": "application/json" },
    body: JSON.stringify(body || {}),
  }));
}

async function ask(url, options) {
  let answer;
  try {
    answer = await fetch(url, options());
    if (answer.status === 403 && await isRenewed()) answer = await fetch(url, options());
  } catch {
    throw refusal("The engine does not answer. Is it still running?", true);
  }
  const now = Number(answer.headers.get(CLOCK));
  if (now) setClock(now);
  const body = await answer.text().then(parse).catch(() => null);
  if (!answer.ok) throw refusal((body && body.error) || `The engine answered ${answer.status}.`);
  return body;
}

// The user is told of it; it is no mistake of ours, as other errors are.
function refusal(message, isAway = false) {
  return Object.assign(new Error(message), { isRefusal: true, isAway });
}

// An engine that was started again has another token, and gives it to its page, or by its URL to another tab.
async function isRenewed() {
  const page = new DOMParser().parseFromString(await (await fetch("/")).text(), "text/html");
  const given = tokenOf(page);
  if (!given || given === token) return false;
  token = given;
  return true;
}
