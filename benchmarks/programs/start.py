"""What it costs to start: this process is new, and says what it measures of itself.

The argument is a JSON object: `measure` is `import`, `client` or `memory`, and `samples` how
often to measure. Prints `{"seconds": [...]}` of the processor's time, or `{"bytes": [...]}`.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

MANY = 50


def cpu_of(program: str) -> float:
    """The processor's time of a new interpreter that runs a program."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", program], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def resident() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def imports(program: str, samples: int) -> list[float]:
    """How much longer an interpreter takes that imports something."""
    return [cpu_of(program) - cpu_of("pass") for _ in range(samples)]


def clients(samples: int) -> list[float]:
    """How long a client takes to make, once everything is loaded."""
    import inngest

    kept = [inngest.Inngest(app_id="warm", is_production=False)]
    found = []
    for number in range(samples):
        started = time.process_time()
        kept.append(inngest.Inngest(app_id=f"app-{number}", is_production=False))
        found.append(time.process_time() - started)
    return found


def memory() -> list[float]:
    """How much memory each of many clients takes."""
    import inngest

    kept = [inngest.Inngest(app_id=f"warm-{number}", is_production=False) for number in range(5)]
    before = resident()
    kept += [inngest.Inngest(app_id=f"app-{number}", is_production=False) for number in range(MANY)]
    return [max((resident() - before) / MANY, 1.0)]


def main() -> None:
    case = json.loads(sys.argv[1])
    match case["measure"]:
        case "memory":
            print(json.dumps({"bytes": memory()}))
        case "client":
            print(json.dumps({"seconds": clients(case["samples"])}))
        case "pydantic":
            program = "from pydantic import BaseModel\nclass Model(BaseModel):\n    field: int"
            print(json.dumps({"seconds": imports(program, case["samples"])}))
        case "use":
            program = "import inngest; inngest.Inngest(app_id='a', is_production=False)"
            print(json.dumps({"seconds": imports(program, case["samples"])}))
        case _:
            print(json.dumps({"seconds": imports("import inngest", case["samples"])}))


if __name__ == "__main__":
    main()
