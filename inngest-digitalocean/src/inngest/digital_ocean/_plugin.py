"""Announces this wheel to the core."""


class DigitalOceanPlugin:
    """The DigitalOcean transport."""

    api_version = 1


plugin = DigitalOceanPlugin()
