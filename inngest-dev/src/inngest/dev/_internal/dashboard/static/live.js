// Be told which runs changed: their ids; none, when something else did; null, when anything may have.

import { token } from "./api.js";

const listeners = new Set();

export function listen(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function connect() {
  const mark = document.getElementById("live");
  const text = document.getElementById("live-text");
  // What has changed since this page was sent is told first, also after a lost connection.
  const since = document.querySelector('meta[name="inngest-dev-mark"]').content;
  let source = null;
  let retry = null;
  let wasLost = false;

  // A browser has few connections to one server, and all its tabs share them: a hidden one takes none.
  function follow() {
    source?.close();
    clearTimeout(retry);
    if (document.hidden) return;
    source = new EventSource(`/ui/api/live?since=${since}&token=${encodeURIComponent(token)}`);
    source.onopen = () => {
      mark.className = "live on";
      text.textContent = "Live";
      if (wasLost) tell(null); // what was asked for meanwhile got no answer
      wasLost = false;
    };
    source.onerror = () => {
      wasLost = true;
      mark.className = "live lost";
      text.textContent = "Engine not reached";
      if (source.readyState === EventSource.CLOSED) retry = setTimeout(follow, 3000);
    };
    source.onmessage = (message) => {
      const ids = JSON.parse(message.data);
      tell(ids && new Set(ids));
    };
  }

  function tell(ids) {
    listeners.forEach((listener) => listener(ids));
  }

  document.addEventListener("visibilitychange", follow);
  follow();
}
