"""The parts of `inngest.dev.testing`."""
