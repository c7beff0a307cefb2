"""Models of Google Gemini."""

from typing import Any
from urllib.parse import quote

from inngest.experimental.ai._provider import Provider


class Adapter(Provider):
    """Asks Gemini's ``generateContent``. The model is in the URL, and not in the body.

    The server adds the key to the URL: a URL with the key would be shown wherever URLs are.
    """

    default_base_url = "https://generativelanguage.googleapis.com/v1beta"
    dialect = "gemini"
    path = "/models/{model}:generateContent"

    def on_call(self, body: dict[str, Any]) -> None:
        """Leave the body alone."""

    def url_infer(self) -> str:
        """Where the request goes."""
        return super().url_infer().replace("{model}", quote(self._model, safe=""))


__all__ = ["Adapter"]
