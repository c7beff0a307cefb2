"""The name and version that identify this SDK on the wire."""

from __future__ import annotations

from typing import Final

VERSION: Final = "0.2.0"
"""Of all wheels. Above the version of PyPI's ``inngest-encryption``, which pip would prefer."""
SDK_AUTHOR: Final = "inngest-core"
SDK_LANGUAGE: Final = "py"
SDK_HEADER: Final = f"inngest-core-py:v{VERSION}"
"""The value of ``x-inngest-sdk``, by which a server recognizes a response of an SDK."""
