"""Read the table t0 again and again until stdin ends; print the longest read's seconds."""

from __future__ import annotations

import select
import sys
import time

import psycopg

PAUSE = 0.001  # seconds


def main() -> None:
    """Read the table of the database whose URL is the argument."""
    longest = 0.0
    with psycopg.connect(sys.argv[1], autocommit=True) as connection:
        connection.execute("SELECT id FROM t0 LIMIT 1")
        print("reading", flush=True)
        while not select.select([sys.stdin], [], [], PAUSE)[0]:
            began = time.perf_counter()
            connection.execute("SELECT id FROM t0 LIMIT 1")
            longest = max(longest, time.perf_counter() - began)
    print(longest)


if __name__ == "__main__":
    main()
