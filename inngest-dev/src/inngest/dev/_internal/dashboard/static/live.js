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
  const source = new EventSource(`/ui/api/live?token=${encodeURIComponent(token)}`);
  let wasLost = false;
  source.onopen = () => {
    mark.className = "live on";
    text.textContent = "Live";
    if (wasLost) listeners.forEach((listener) => listener(null));
    wasLost = false;
  };
  source.onerror = () => {
    mark.className = "live lost";
    text.textContent = "Engine not reached";
    wasLost = true;
  };
  source.onmessage = (message) => {
    const ids = JSON.parse(message.data);
    listeners.forEach((listener) => listener(ids && new Set(ids)));
  };
}
