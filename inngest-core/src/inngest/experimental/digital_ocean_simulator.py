"""Run a DigitalOcean Function locally, as a Flask app.

Requires ``inngest-digitalocean`` and ``flask``.
:class:`inngest.digital_ocean.simulator.Simulator` does the same without Flask.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import flask

FULL_PATH = "/api/v1/web/fn-local/sample/inngest"
"""The URL path of the function."""

_METHODS = ["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"]


class DigitalOceanSimulator:
    """Serves a web function as the platform does.

    :param main: the result of ``inngest.digital_ocean.serve``, or any ``main(event, context)``.
    :raises ModuleNotFoundError: ``inngest-digitalocean`` or ``flask`` is not installed.
    """

    app: flask.Flask
    """The Flask app. Run it, or send requests with its ``test_client()``."""

    def __init__(self, main: Callable[[dict[str, object], Any], Mapping[str, object]]) -> None:
        try:
            import flask
            from werkzeug import Response

            from inngest.digital_ocean.simulator import Simulator
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                "DigitalOceanSimulator needs two other distributions: "
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
