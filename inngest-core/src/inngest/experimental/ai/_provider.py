"""The base class of all adapters. Pure: the Inngest server makes the requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class Provider:
    """A model of a provider. Its ``repr`` shows neither the key nor the headers.

    :param auth_key: the API key.
    :param base_url: the base URL of the provider's API; set it to use a proxy.
    :param headers: request headers; they override those of the adapter.
    :param model: the model's name, unless the request body has a ``model``.
    """

    default_base_url: ClassVar[str]
    default_headers: ClassVar[Mapping[str, str]] = {}
    dialect: ClassVar[str]
    path: ClassVar[str]

    def __init__(
        self,
        *,
        auth_key: str,
        base_url: str | None = None,
        headers: dict[str, str] | None = None,
        model: str,
    ) -> None:
        self._auth_key = auth_key
        self._base_url = (base_url or self.default_base_url).rstrip("/")
        self._headers = {**_without(self.default_headers, headers or {}), **(headers or {})}
        self._model = model

    def __repr__(self) -> str:
        return f"{type(self).__module__}.{type(self).__name__}(model={self._model!r})"

    def auth_key(self) -> str:
        """Return the API key."""
        return self._auth_key

    def format(self) -> str:
        """Return the request format; it also determines how the server sends the key."""
        return self.dialect

    def headers(self) -> dict[str, str]:
        """Return the request headers, without the key."""
        return dict(self._headers)

    def on_call(self, body: dict[str, Any]) -> None:
        """Set ``model`` in the request body, unless it is set."""
        body.setdefault("model", self._model)

    def url_infer(self) -> str:
        """Return the URL that the request is sent to."""
        return self._base_url + self.path


def _without(defaults: Mapping[str, str], chosen: Mapping[str, str]) -> dict[str, str]:
    """Return the defaults that are not overridden; header names are case-insensitive."""
    names = {name.lower() for name in chosen}
    return {name: value for name, value in defaults.items() if name.lower() not in names}


__all__ = ["Provider"]
