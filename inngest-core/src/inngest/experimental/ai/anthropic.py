"""Anthropic models."""

from collections.abc import Mapping
from typing import ClassVar

from inngest.experimental.ai._provider import Provider


class Adapter(Provider):
    """Adapter for Anthropic's Messages API. The request body needs ``max_tokens``."""

    default_base_url = "https://api.anthropic.com/v1"
    default_headers: ClassVar[Mapping[str, str]] = {"anthropic-version": "2023-06-01"}
    dialect = "anthropic"
    path = "/messages"


__all__ = ["Adapter"]
