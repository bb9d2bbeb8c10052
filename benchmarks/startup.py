"""Start-up: importing the command line, building the schema, and from the command to the first ready answer."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Mapping

from benchmarks.common import SIZES, Report, arguments, conditions, fresh_database, repeat
from benchmarks.servers import serving

IMPORT_CLI = "import mesgraph.cli"
BUILD_SCHEMA = "from mesgraph.schema import build_schema; build_schema()"
NOTHING = "pass"


async def python(program: str) -> float:
    """Seconds that a fresh interpreter takes for ``program``."""
    began = time.perf_counter()
    await asyncio.to_thread(subprocess.run, [sys.executable, "-c", program], check=True)
    return time.perf_counter() - began


async def main() -> None:
    """Measure and print."""
    given = arguments(__doc__)
    rounds = SIZES[given.size].rounds
    with fresh_database(given.database) as database:

        async def once() -> Mapping[str, float]:
            with serving(database) as server:
                ready = server.ready_after_s
            interpreter = await python(NOTHING)
            return {
                "import_cli_s": await python(IMPORT_CLI) - interpreter,
                "build_schema_s": await python(BUILD_SCHEMA) - interpreter,
                "ready_s": ready,
            }

        report = Report("startup", conditions(given.size, database), rounds)
        report.absolute = {name: {"seconds": value} for name, value in (await repeat(rounds, once)).items()}
    report.print(given.json)


if __name__ == "__main__":
    asyncio.run(main())
