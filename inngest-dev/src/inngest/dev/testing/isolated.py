"""One function by itself, every step of it run or stubbed: what `inngest.experimental.mocked` is made of."""

from inngest.dev._internal.testing.isolated import run

__all__ = ["run"]
