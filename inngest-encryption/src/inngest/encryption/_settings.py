"""What the plugin is told: by the app's options, else by environment variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from inngest.encryption._errors import EncryptionKeyInvalidError

if TYPE_CHECKING:
    from inngest import Inngest
    from inngest.encryption._middleware import EncryptionMiddleware

KEY: Final = "INNGEST_ENCRYPTION_KEY"
FALLBACKS: Final = "INNGEST_ENCRYPTION_KEY_FALLBACKS"
DECRYPT_ONLY: Final = "INNGEST_ENCRYPTION_DECRYPT_ONLY"

OPTIONS: Final = frozenset(
    {"secret_key", "decrypt_only", "event_encryption_field", "fallback_decryption_keys"}
)
"""The arguments of :class:`EncryptionMiddleware`."""

Make = Callable[["Inngest", object], "EncryptionMiddleware"]


def make(options: Mapping[str, object], environ: Mapping[str, str]) -> Make | None:
    """Return what makes the middleware; ``None`` without a key.

    Wrong settings give a factory that raises: an app that was told to encrypt must not send
    anything in clear because of a slip.
    """
    try:
        return _make(options, environ)
    except Exception as error:
        return _refusing(str(error))


def _make(options: Mapping[str, object], environ: Mapping[str, str]) -> Make | None:
    from inngest.encryption._middleware import EncryptionMiddleware

    unknown = sorted(set(map(str, options)) - OPTIONS)
    if unknown:
        raise EncryptionKeyInvalidError(
            f"there is no option {unknown[0]!r}; there are {', '.join(sorted(OPTIONS))}"
        )
    settings: dict[str, Any] = {**_from(environ), **options}
    if "secret_key" not in settings:
        if settings:
            raise EncryptionKeyInvalidError(f"it has settings, and no key: set {KEY}")
        return None
    if not isinstance(settings.get("decrypt_only", False), bool):
        raise EncryptionKeyInvalidError("decrypt_only is True or False")
    return EncryptionMiddleware.factory(**settings)


def _from(environ: Mapping[str, str]) -> dict[str, object]:
    found: dict[str, object] = {}
    if KEY in environ:
        if not environ[KEY].strip():
            raise EncryptionKeyInvalidError(f"{KEY} is set, and empty: unset it, or give a key")
        found["secret_key"] = environ[KEY]
    fallbacks = [key for key in environ.get(FALLBACKS, "").split(",") if key.strip()]
    if fallbacks:
        # Blanks may stand between two keys, or be a part of one that was the first key before.
        found["fallback_decryption_keys"] = list(
            dict.fromkeys(form for key in fallbacks for form in (key, key.lstrip(), key.strip()))
        )
    flag = environ.get(DECRYPT_ONLY, "").strip().lower()
    if flag in ("1", "true"):
        found["decrypt_only"] = True
    elif flag not in ("", "0", "false"):
        raise EncryptionKeyInvalidError(f"{DECRYPT_ONLY} is 1 or 0")
    return found


def _refusing(reason: str) -> Make:
    def refuse(*_: object) -> EncryptionMiddleware:
        raise EncryptionKeyInvalidError(f"encryption is not set up, so nothing is sent: {reason}")

    return refuse


__all__ = ["DECRYPT_ONLY", "FALLBACKS", "KEY", "make"]
