"""What can go wrong, and whether another attempt can help."""

from __future__ import annotations

from inngest import NonRetriableError
from inngest.errors import Error


class DecryptionError(NonRetriableError):
    """A value was encrypted with a key that is not here, or was changed on its way."""


class EncryptionKeyInvalidError(Error):
    """The key, or another setting of the encryption, cannot be used: nothing is sent."""


__all__ = ["DecryptionError", "EncryptionKeyInvalidError"]
