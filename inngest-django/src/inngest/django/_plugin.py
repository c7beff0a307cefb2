"""Announces this wheel to the core."""


class DjangoPlugin:
    """The Django transport."""

    api_version = 1


plugin = DjangoPlugin()
