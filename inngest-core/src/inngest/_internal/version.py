"""Who we are on the wire. The core has its own identity and its own version."""

from __future__ import annotations

from typing import Final

VERSION: Final = "0.2.0"
"""Of all wheels: above that of the ``inngest-encryption`` which installers would take instead."""
SDK_AUTHOR: Final = "inngest-core"
SDK_LANGUAGE: Final = "py"
SDK_HEADER: Final = f"inngest-core-py:v{VERSION}"
"""The value of ``x-inngest-sdk``: without it a server takes an answer for a stranger's."""
