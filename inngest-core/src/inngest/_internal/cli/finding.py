"""A finding of ``doctor``: a level, a subject, a description, and advice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "note", "warning", "problem"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the report."""

    level: Level
    subject: str
    text: str
    advice: str = ""
