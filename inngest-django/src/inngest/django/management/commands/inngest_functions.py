"""``manage.py inngest_functions``: what the project serves."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from inngest import Function
from inngest.django.management._endpoints import endpoints


class Command(BaseCommand):
    """Lists the functions."""

    help = "List the Inngest functions that this project serves."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print them."""
        found = [
            describe(function, endpoint.path)
            for endpoint in endpoints()
            for function in endpoint.handler.functions
        ]
        if options["json"]:
            self.stdout.write(json.dumps(found))
            return
        for one in found:
            kind = "async" if one["is_async"] else "sync"
            self.stdout.write(f"{one['id']}  {kind}  {', '.join(one['triggers'])}")


def describe(function: Function[Any], path: str) -> dict[str, Any]:
    """Say what a function is called, and what starts it."""
    config: Any = function.configs(path)[0]
    triggers = [one.get("event") or one.get("cron") for one in config["triggers"]]
    return {"id": function.id, "is_async": function.is_handler_async, "triggers": triggers}
