"""What became of events that were sent."""

from __future__ import annotations

from typing import ClassVar

import pydantic

from inngest._internal.model import BaseModel


class SendEventsResult(BaseModel):
    """What became of sent events: ``ids`` in the order of the events."""

    # As in an answer of the event API.
    model_config: ClassVar[pydantic.ConfigDict] = pydantic.ConfigDict(extra="ignore")

    error: str | None = None
    ids: list[str] = pydantic.Field(default_factory=list)

    @classmethod
    def convert_validation_error(cls, err: BaseException) -> BaseException:
        """Leave pydantic's error as it is: it shows no value."""
        return err


__all__ = ["SendEventsResult"]
