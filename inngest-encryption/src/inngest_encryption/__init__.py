"""The name under which existing apps import the middleware; see :mod:`inngest.encryption`."""

from inngest.encryption import EncryptionMiddleware

__all__ = ["EncryptionMiddleware"]
