"""Public APIs that are not covered by semantic versioning."""

from inngest.experimental._ambient import get_step_context, set_step_context, step

__all__ = ["get_step_context", "set_step_context", "step"]
