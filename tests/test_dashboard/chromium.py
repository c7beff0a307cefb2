"""Drive Chromium with the WebDriver protocol, which is JSON over HTTP and needs no library.

Only what the tests use. All waits are bounded polls.
"""

from __future__ import annotations

import base64
import random
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
WAIT = 60.0
PORTS = range(32_000, 32_700)
"""Below those that systems give out for any connection; other tests have others."""
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--force-device-scale-factor=1", "--lang=en-US",
)  # fmt: skip


class DriverError(AssertionError):
    """The driver reported an error."""


@contextmanager
def chromedriver() -> Iterator[str]:
    """Run chromedriver for the duration of the block, and yield its URL."""
    path = shutil.which("chromedriver")
    assert path is not None, "scripts/install_system_packages installs a browser"
    for port in random.SystemRandom().sample(PORTS, 5):
        with _listening(path, port) as url:
            if url:
                yield url
                return
    raise DriverError("chromedriver finds no port")


@contextmanager
def _listening(path: str, port: int) -> Iterator[str]:
    """Run chromedriver and yield its URL, or ``""`` if it exited because its port is in use."""
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [path, f"--port={port}", "--allowed-ips=127.0.0.1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: process.poll() is not None or _answers(url), "chromedriver answers")
        yield url if process.poll() is None else ""
    finally:
        process.terminate()
        try:
            process.wait(WAIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(WAIT)


@contextmanager
def browser(driver: str, profile: Path) -> Iterator[Browser]:
    flags = [*FLAGS, f"--user-data-dir={profile}"]
    options = {"args": flags, "binary": shutil.which("chromium")}
    wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
    with httpx.Client(base_url=driver, timeout=60, trust_env=False) as client:
        session = _value(client.post("/session", json={"capabilities": {"alwaysMatch": wanted}}))[
            "sessionId"
        ]
        try:
            yield Browser(client, f"/session/{session}")
        finally:
            client.delete(f"/session/{session}")


class Browser:
    def __init__(self, client: httpx.Client, session: str) -> None:
        self._client, self._session = client, session

    @contextmanager
    def window(self) -> Iterator[None]:
        """Open a window with an empty profile, and close all windows at the end of the block."""
        first = self._get("window")
        self.devtools("Network.clearBrowserCookies", {})
        self.problems()
        self._post("window", {"handle": self._post("window/new", {"type": "window"})["handle"]})
        try:
            yield
        finally:
            for each in self._get("window/handles"):
                if each != first:
                    self._post("window", {"handle": each})
                    _value(self._client.delete(f"{self._session}/window"))
            self._post("window", {"handle": first})

    def emulate(self, scheme: str) -> None:
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.devtools("Emulation.setEmulatedMedia", {"features": features})

    def devtools(self, command: str, params: Mapping[str, Any]) -> Any:
        return self._post("goog/cdp/execute", {"cmd": command, "params": params})

    def resize(self, width: int, height: int) -> None:
        self._post("window/rect", {"width": width, "height": height})

    def minimize(self) -> None:
        """Minimize the window, so that the page is hidden."""
        self._post("window/minimize", {})

    def restore(self) -> None:
        self._post("window/maximize", {})

    def open(self, url: str) -> None:
        self._post("url", {"url": url})

    def script(self, text: str, *arguments: object) -> Any:
        return self._post("execute/sync", {"script": text, "args": list(arguments)})

    def text(self) -> str:
        found: str = self.script("return document.body.innerText")
        return found

    def see(self, *texts: str) -> str:
        """Wait until the page contains all of these texts."""
        shown = ""
        for text in texts:
            until(lambda text=text: text in self.text(), f"the page shows {text!r}", self.text)
            shown = self.text()
        return shown

    def until(self, script: str, what: str) -> Any:
        """Wait until a script returns a truthy value, and return it."""
        return until(lambda: self.script(script), what, self.text)

    def click(self, selector: str, text: str = "") -> None:
        """Click the first visible element that matches, and contains ``text``."""
        until(lambda: self._clicked(selector, text), f"{selector} {text!r} is clicked", self.text)

    def _clicked(self, selector: str, text: str) -> bool:
        """Return ``False`` if the element was removed in between, as live pages change."""
        element = self.until(
            "return [...document.querySelectorAll("
            f"{selector!r})].find(e => e.offsetParent && e.innerText.includes({text!r}))",
            f"there is {selector} with {text!r}",
        )
        try:
            self.script("arguments[0].scrollIntoView({block: 'center'})", element)
            self._post(f"element/{element[ELEMENT]}/click", {})
        except DriverError as error:
            if "stale element" not in str(error):
                raise
            return False
        return True

    def fill(self, selector: str, text: str) -> None:
        element = self.until(f"return document.querySelector({selector!r})", selector)
        self._post(f"element/{element[ELEMENT]}/clear", {})
        self._post(f"element/{element[ELEMENT]}/value", {"text": text})

    def press(self, *keys: str) -> None:
        actions = [
            action
            for key in keys
            for action in ({"type": "keyDown", "value": key}, {"type": "keyUp", "value": key})
        ]
        self._post("actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def press_together(self, held: str, key: str) -> None:
        kinds = ("keyDown", held), ("keyDown", key), ("keyUp", key), ("keyUp", held)
        actions = [{"type": kind, "value": value} for kind, value in kinds]
        self._post("actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def problems(self) -> list[str]:
        """Return the error messages of the browser's console."""
        logged = self._post("se/log", {"type": "browser"})
        return [entry["message"] for entry in logged if entry["level"] == "SEVERE"]

    def screenshot(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(self._get("screenshot")))

    def _get(self, path: str) -> Any:
        return _value(self._client.get(f"{self._session}/{path}"))

    def _post(self, path: str, body: Mapping[str, Any]) -> Any:
        return _value(self._client.post(f"{self._session}/{path}", json=body))


def _value(answer: httpx.Response) -> Any:
    value = answer.json()["value"]
    if answer.status_code != 200:
        raise DriverError(f"{value['error']}: {value['message'][:1000]}")
    return value


def _answers(url: str) -> bool:
    try:
        return bool(httpx.get(f"{url}/status", trust_env=False).json()["value"]["ready"])
    except (httpx.HTTPError, ValueError):
        return False


def until(done: Any, what: str, tell: Any = lambda: "") -> Any:
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline:
        found = done()
        if found:
            return found
        time.sleep(0.03)
    raise DriverError(f"not within {WAIT:g} s: {what}\n{tell()}")
