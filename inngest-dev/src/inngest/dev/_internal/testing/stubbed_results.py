"""Convert stubs to results of steps that a server executes: signals, requests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pydantic_core

from inngest import FetchedResponse, Signal
from inngest.dev._internal.machine.ops import opcode_of
from inngest.dev._internal.model.values import Json


def stubbed_result(op: Mapping[str, Json], outcome: object) -> object:
    """Convert an outcome to the form that a server stores, unless it already has it."""
    opts = op.get("opts") or {}
    match opcode_of(op):
        case "WaitForSignal":
            return _signal(outcome, str(opts.get("signal")))
        case "Gateway":
            return _answer(outcome, str(opts.get("url")))
    return outcome


def _signal(outcome: Any, name: str) -> object:
    if isinstance(outcome, Signal):
        return {"signal": outcome.name, "data": outcome.data}
    if isinstance(outcome, Mapping) and set(outcome) == {"signal", "data"}:
        return outcome
    return {"signal": name, "data": outcome}


def _answer(outcome: Any, url: str) -> object:
    if isinstance(outcome, FetchedResponse):
        return {**asdict(outcome), "headers": dict(outcome.headers)}
    if isinstance(outcome, Mapping) and "status_code" in outcome:
        return {"url": url, "headers": {}, "body": "", **outcome}
    kind, text = "text/plain", outcome
    if not isinstance(outcome, str):
        kind, text = "application/json", json.dumps(pydantic_core.to_jsonable_python(outcome))
    return {"url": url, "headers": {"content-type": kind}, "body": text, "status_code": 200}


__all__ = ["stubbed_result"]
