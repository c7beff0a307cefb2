"""Announces this wheel to the core."""


class FastAPIPlugin:
    """The FastAPI transport."""

    api_version = 1


plugin = FastAPIPlugin()
