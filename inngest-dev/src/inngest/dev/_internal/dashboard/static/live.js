// Tell listeners which runs have changed: a set of ids, empty when something else has; null: all may have.

import { token } from "./api.js";

const listeners = new Set();

export function listen(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function connect() {
  const mark = document.getElementById("live");
  const text = document.getElementById("live-text");
  // Whether anything has changed since this page was made is told first, also after a lost connection.
  const since = document.querySelector('meta[name="inngest-dev-mark"]').content;
  let source = null;
  let retry = null;
  let wasLost = false;

  // All tabs of a browser share its few connections to a server: a hidden tab takes none.
  function follow() {
    source?.close();
    clearTimeout(retry);
    if (document.hidden) return;
    source = new EventSource(`/ui/api/live?since=${since}&token=${encodeURIComponent(token)}`);
    source.onopen = () => {
      mark.className = "live on";
      text.textContent = "Live";
      if (wasLost) tell(null); // requests meanwhile have got no answer: all pages load again
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
