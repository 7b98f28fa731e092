"""Read the table t0 again and again until stdin ends; print the longest read's seconds.

For as long as the reader or its session waits for a processor, it waits for no lock: with a tool,
its session, the reader and the reader's session on two cores, that is most of the longest reads.
So this time is left out, where the system tells it.
"""

from __future__ import annotations

import select
import sys
import time
from contextlib import suppress
from pathlib import Path

import psycopg

PAUSE = 0.001  # seconds


def main() -> None:
    """Read the table of the database whose URL is the argument."""
    longest = 0.0
    with psycopg.connect(sys.argv[1], autocommit=True) as connection:
        processes = ("self", str(connection.info.backend_pid))
        connection.execute("SELECT id FROM t0 LIMIT 1")
        print("reading", flush=True)
        while not select.select([sys.stdin], [], [], PAUSE)[0]:
            queued, began = sum(map(_queued, processes)), time.perf_counter()
            connection.execute("SELECT id FROM t0 LIMIT 1")
            seconds = time.perf_counter() - began
            longest = max(longest, seconds - (sum(map(_queued, processes)) - queued))
    print(longest)


def _queued(process: str) -> float:
    """Return the seconds that a process has waited for a processor, by Linux' sched-stats."""
    with suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{process}/schedstat").read_text().split()[1]) / 1e9
    return 0.0


if __name__ == "__main__":
    main()
