"""Encrypt the data of events, what steps return and what functions return, end to end.

Installed and given a key (``INNGEST_ENCRYPTION_KEY``), it works for every client. The form is
that of the ecosystem's encryption packages, for whatever language.
"""

from inngest.encryption._errors import DecryptionError, EncryptionKeyInvalidError
from inngest.encryption._middleware import EncryptionMiddleware

__all__ = ["DecryptionError", "EncryptionKeyInvalidError", "EncryptionMiddleware"]
