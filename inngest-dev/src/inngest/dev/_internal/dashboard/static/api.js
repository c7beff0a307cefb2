// Requests to the engine. A token shows that its own page makes them.

import { parse } from "./exact.js";
import { setClock } from "./format.js";
import { recall, remember } from "./memory.js";

const HEADER = "x-inngest-dev-token";
const CLOCK = "x-inngest-dev-now";
const META = 'meta[name="inngest-dev-token"]';

// The token in the URL that a keyed engine has printed. It is kept for other tabs, and is of no use
// any more once that engine has ended.
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

// An error whose message is shown to the user, and that is no bug of the page, as others are.
function refusal(message, isAway = false) {
  return Object.assign(new Error(message), { isRefusal: true, isAway });
}

// An engine that was started again has another token. Its page has it; that of a keyed one has come
// to another tab by the new URL.
async function isRenewed() {
  const page = new DOMParser().parseFromString(await (await fetch("/")).text(), "text/html");
  const given = tokenOf(page);
  if (!given || given === token) return false;
  token = given;
  return true;
}
