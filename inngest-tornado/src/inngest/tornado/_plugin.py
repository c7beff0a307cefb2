"""Announces this wheel to the core."""


class TornadoPlugin:
    """The Tornado transport."""

    api_version = 1


plugin = TornadoPlugin()
