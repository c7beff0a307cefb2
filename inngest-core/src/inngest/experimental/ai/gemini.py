"""Google Gemini models."""

from typing import Any
from urllib.parse import quote

from inngest.experimental.ai._provider import Provider


class Adapter(Provider):
    """Adapter for Gemini's ``generateContent``. The model is part of the URL, not of the body.

    The URL does not contain the key, as URLs are logged and displayed; the server adds it.
    """

    default_base_url = "https://generativelanguage.googleapis.com/v1beta"
    dialect = "gemini"
    path = "/models/{model}:generateContent"

    def on_call(self, body: dict[str, Any]) -> None:
        """Do nothing: the model is part of the URL."""

    def url_infer(self) -> str:
        """Return the URL that the request is sent to."""
        return super().url_infer().replace("{model}", quote(self._model, safe=""))


__all__ = ["Adapter"]
