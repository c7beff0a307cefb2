"""What the adapters of all providers share. Pure: the server makes the requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class Provider:
    """One model of one provider. ``repr`` shows neither the key nor the headers.

    :param auth_key: the key that the server presents to the provider.
    :param base_url: where the provider's API is, for example that of a proxy.
    :param headers: headers of the request; they win over those of the adapter.
    :param model: the model's name; a ``model`` in the body of a request wins.
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
        """The key that the server presents to the provider."""
        return self._auth_key

    def format(self) -> str:
        """The provider's dialect; it also says how the server presents the key."""
        return self.dialect

    def headers(self) -> dict[str, str]:
        """Headers of the request, besides the key."""
        return dict(self._headers)

    def on_call(self, body: dict[str, Any]) -> None:
        """Name the model in the request's body, unless it names one."""
        body.setdefault("model", self._model)

    def url_infer(self) -> str:
        """Where the request goes."""
        return self._base_url + self.path


def _without(defaults: Mapping[str, str], chosen: Mapping[str, str]) -> dict[str, str]:
    """The defaults that are not chosen: names of headers have no case."""
    names = {name.lower() for name in chosen}
    return {name: value for name, value in defaults.items() if name.lower() not in names}


__all__ = ["Provider"]
