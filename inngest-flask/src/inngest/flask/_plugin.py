"""Announces this wheel to the core."""


class FlaskPlugin:
    """The Flask transport."""

    api_version = 1


plugin = FlaskPlugin()
