// Be told which runs changed. The browser connects again by itself.

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
  const source = new EventSource(`/ui/api/live?since=${since}&token=${encodeURIComponent(token)}`);
  source.onopen = () => {
    mark.className = "live on";
    text.textContent = "Live";
  };
  source.onerror = () => {
    mark.className = "live lost";
    text.textContent = "Engine not reached";
  };
  source.onmessage = (message) => {
    const ids = JSON.parse(message.data);
    listeners.forEach((listener) => listener(ids && new Set(ids)));
  };
}
