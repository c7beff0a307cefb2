"""The result of sending events."""

from __future__ import annotations

from typing import ClassVar

import pydantic

from inngest._internal.model import BaseModel


class SendEventsResult(BaseModel):
    """The event API's response: ``ids`` in the order of the events, and possibly an ``error``."""

    # The event API may add fields.
    model_config: ClassVar[pydantic.ConfigDict] = pydantic.ConfigDict(extra="ignore")

    error: str | None = None
    ids: list[str] = pydantic.Field(default_factory=list)

    @classmethod
    def convert_validation_error(cls, err: BaseException) -> BaseException:
        """Return pydantic's error unchanged: it shows no values."""
        return err


__all__ = ["SendEventsResult"]
