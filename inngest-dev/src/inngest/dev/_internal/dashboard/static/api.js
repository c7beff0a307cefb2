// Ask the engine. The token shows that it is our own page that asks.

const HEADER = "x-inngest-dev-token";
const META = 'meta[name="inngest-dev-token"]';

// Of the URL that the engine has printed. It is kept for further tabs, and worth nothing once the engine has ended.
function isGiven() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!given) return false;
  localStorage.setItem(HEADER, given);
  history.replaceState(null, "", "#/runs");
  return true;
}

isGiven();
window.addEventListener("hashchange", () => isGiven() && location.reload());

export let token = tokenOf(document);

function tokenOf(page) {
  return page.querySelector(META)?.content || localStorage.getItem(HEADER) || "";
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
    throw new Error("The engine does not answer. Is it still running?");
  }
  const body = await answer.json().catch(() => null);
  if (!answer.ok) throw new Error((body && body.error) || `The engine answered ${answer.status}.`);
  return body;
}

// An engine that was started again has another token, and gives it to its page, or by its URL to another tab.
async function isRenewed() {
  const page = new DOMParser().parseFromString(await (await fetch("/")).text(), "text/html");
  const given = tokenOf(page);
  if (!given || given === token) return false;
  token = given;
  return true;
}
