"""``manage.py inngest_sync``: register the project's functions with the Inngest server."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from inngest.django.management._endpoints import Endpoint, endpoints
from inngest.errors import URLInvalidError
from inngest.transport import CommResponse


class Command(BaseCommand):
    """Registers the functions."""

    help = "Register this project's functions with the Inngest server."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--origin", help="the project's public origin; else INNGEST_SERVE_ORIGIN"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Register, or say why not."""
        for endpoint in endpoints():
            self._register(endpoint, options["origin"])

    def _register(self, endpoint: Endpoint, origin: str | None) -> None:
        handler = endpoint.handler
        try:
            url = handler.public_url(endpoint.path, origin=origin)
        except URLInvalidError as error:
            raise CommandError(error.message) from error
        if url is None:
            raise CommandError(
                "where is the project reached? Say --origin https://… or set INNGEST_SERVE_ORIGIN"
            )
        response = handler.register_sync(url)
        if response.status != 200:
            raise CommandError(f"not registered: {_message_of(response)}")
        self.stdout.write(f"registered {len(handler.functions)} functions at {url}")


def _message_of(failure: CommResponse) -> str:
    found: str = json.loads(failure.body)["message"]
    return found
