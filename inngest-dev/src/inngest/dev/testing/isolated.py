"""Run one function in isolation, with stubs: the basis of `inngest.experimental.mocked`."""

from inngest.dev._internal.testing.isolated import run

__all__ = ["run"]
