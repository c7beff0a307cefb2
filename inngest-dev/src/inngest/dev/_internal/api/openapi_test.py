"""The description lists every route, and all that it refers to is in it."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from typing_extensions import TypedDict

from inngest.dev import DevServer
from inngest.dev._internal.api.openapi import describe, describes


class Parcel(TypedDict):
    """What is sent away."""

    weight: int


@describes(body=Parcel, query={"fast": bool}, answers={200: Parcel, 400: str}, fails=[404])
async def send(request: Request) -> Response:
    """Send a parcel.

    It arrives.
    """
    return JSONResponse({})


async def silent(request: Request) -> Response:
    return JSONResponse({})


def test_what_is_said_beside_a_handler_is_described() -> None:
    routes = [
        Route("/parcels/{id:int}", send, methods=["POST"]),
        Route("/silent", silent, methods=["GET"]),
    ]
    described = describe(routes, title="Parcels", version="1")
    sending = described["paths"]["/parcels/{id}"]["post"]
    assert (sending["summary"], sending["description"]) == ("Send a parcel.", "It arrives.")
    assert [(each["name"], each["in"]) for each in sending["parameters"]] == [
        ("id", "path"), ("fast", "query"),
    ]  # fmt: skip
    parcel = {"application/json": {"schema": {"$ref": "#/components/schemas/Parcel"}}}
    assert sending["requestBody"] == {"required": True, "content": parcel}
    answers = sending["responses"]
    assert sorted(answers) == ["200", "400", "404"]
    assert (answers["200"]["content"], list(answers["400"]["content"])) == (parcel, ["text/plain"])
    assert described["components"]["schemas"]["Parcel"]["required"] == ["weight"]
    assert sorted(described["paths"]["/silent"]["get"]["responses"]) == ["default"]


def test_every_route_is_described_and_every_reference_leads_somewhere() -> None:
    with DevServer(port=0, ui=True) as server:
        described = httpx.get(f"{server.origin}/openapi.json", trust_env=False, timeout=60).json()
    schemas = described["components"]["schemas"]
    referred = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(described)))
    assert referred <= set(schemas)
    assert {"/e/{key}", "/v1/runs/{id}", "/ui/api/runs/{id}/rerun"} <= set(described["paths"])
    operations: list[dict[str, Any]] = [
        each for path in described["paths"].values() for each in path.values()
    ]
    assert len({each["operationId"] for each in operations}) == len(operations)
