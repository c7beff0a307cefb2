"""What it costs to discover many parallel steps in one call, by the public API.

The argument is a JSON object: `steps` in one group of an async function on FastAPI, and
`samples`, how often to measure. Prints `{"seconds": [...]}` of the processor's time.
"""

from __future__ import annotations

import asyncio
import functools
import json
import sys
from typing import Any

import calls

import inngest


def parallel_function(client: inngest.Inngest, steps: int) -> Any:
    async def work() -> int:
        return 1

    @client.create_function(fn_id="fn", trigger=inngest.TriggerEvent(event="bench/go"))
    async def fn(ctx: inngest.Context) -> int:
        branches = tuple(
            functools.partial(ctx.step.run, f"step-{number}", work) for number in range(steps)
        )
        return sum(await ctx.group.parallel(branches))

    return fn


def main() -> None:
    case = json.loads(sys.argv[1])
    body = calls.body_of(0, 0)
    client = calls.client_of(is_signed=False)
    fn = parallel_function(client, case["steps"])
    call = calls.fast_api_door(client, fn, body, "", expected=206)
    print(json.dumps({"seconds": asyncio.run(calls.measure_async(call, case["samples"]))}))


if __name__ == "__main__":
    main()
