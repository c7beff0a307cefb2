"""A DigitalOcean Function on your own machine, as a Flask app.

Needs ``inngest-digitalocean`` and ``flask``. :class:`inngest.digital_ocean.simulator.Simulator`
is the same without Flask.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import flask

FULL_PATH = "/api/v1/web/fn-local/sample/inngest"
"""Where the function is reached."""

_METHODS = ["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"]


class DigitalOceanSimulator:
    """Serves one web function as the platform does.

    :param main: what ``inngest.digital_ocean.serve`` made, or any ``main(event, context)``.
    :raises ModuleNotFoundError: a wheel that it needs is not installed.
    """

    app: flask.Flask
    """Run it, or ask it by its ``test_client()``."""

    def __init__(self, main: Callable[[dict[str, object], Any], Mapping[str, object]]) -> None:
        try:
            import flask
            from werkzeug import Response

            from inngest.digital_ocean.simulator import Simulator
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                "DigitalOceanSimulator needs two other wheels: "
                "pip install inngest-digitalocean flask",
                name=error.name,
            ) from error
        simulator = Simulator(main)
        self.app = flask.Flask("digital_ocean_simulator")

        def answer(**_below: str) -> Response:
            return Response.from_app(simulator, flask.request.environ)

        for rule in (FULL_PATH, f"{FULL_PATH}/<path:below>"):
            self.app.add_url_rule(
                rule, view_func=answer, methods=_METHODS, provide_automatic_options=False
            )


__all__ = ["DigitalOceanSimulator", "FULL_PATH"]
