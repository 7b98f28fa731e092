"""Measure limbeck beside its peers and fill docs/benchmarks.md: make bench, python benchmarks.

Tools work in turn (limbeck, a peer, limbeck, ...) on the same server; the first round warms up.
Rows go to FOLDER/raw.csv after each round, so a killed run keeps them, and --resume goes on. Peers
are installed by pip, npm and apt into a cache; one that cannot be installed has a row that says so.
A quick run uses small sizes and leaves the document alone, unless --out docs/benchmarks is given.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import document
import goals
from peers.alembic import Alembic
from peers.contender import Peer
from peers.django import Django
from peers.drizzle import Drizzle, DrizzleNext
from peers.limbeck import Bare, Generate, Limbeck, commit
from peers.readers import Migra, PgDump, Psql, Sqlacodegen
from peers.sql_files import Dbmate, Sqitch
from rows import Rows
from running import Choice, Run, chosen

ROOT = Path(__file__).parents[1]
PROGRAM = Path(sys.executable).parent / "limbeck"


def main() -> int:
    """Run, and write the document; 1 if nothing could be measured."""
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, _stop)  # servers are stopped, rows are kept
    quick: bool = options.quick
    out: Path = options.out or ROOT / (".limbeck/benchmarks" if quick else "docs/benchmarks")
    sizes = {
        "tables": options.tables,
        "revisions": options.revisions,
        "environments": options.environments,
    }
    choice = Choice(
        runs=options.runs or (3 if quick else 5),
        seconds=options.seconds or (8.0 if quick else 14.0),
        timeout=options.timeout or (60.0 if quick else 240.0),
        works=chosen(options.only, sizes, quick=quick),
        resume=options.resume,
    )
    with tempfile.TemporaryDirectory(prefix="limbeck-bench-") as folder:
        rows = Rows.read(out / document.RAW)
        run = Run(PROGRAM, Path(folder), commit(PROGRAM), choice, rows, _peers(options.peers))
        run.install(options.cache)
        out.mkdir(parents=True, exist_ok=True)
        (out / document.MACHINE).write_text(json.dumps(_machine(), indent=2) + "\n", "utf-8")
        try:
            run.measure()
        except KeyboardInterrupt:
            print("Stopped. The rows are kept; --resume continues.", file=sys.stderr)
        finally:
            document.write(out)
    print(document.part(out))
    return 0 if any(result.value is not None for result in goals.results(rows)) else 1


def _stop(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    parser.add_argument("--quick", action="store_true", help="small sizes, about five minutes")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="WORK",
        help="works with this in their name, or a goal's; repeatable",
    )
    parser.add_argument("--runs", type=int, help="rounds after the warm-up; 5, or 3 if quick")
    parser.add_argument("--seconds", type=float, help="start no other round of a work after these")
    parser.add_argument("--timeout", type=float, help="seconds that a command may take")
    for unit in ("tables", "revisions", "environments"):
        parser.add_argument(
            f"--{unit}",
            type=_numbers,
            default=(),
            metavar="N,N",
            help=f"numbers of {unit}, instead of those of the goals",
        )
    parser.add_argument(
        "--peers",
        type=lambda text: text.split(","),
        default=None,
        metavar="NAME,NAME",
        help="only these peers, and limbeck",
    )
    parser.add_argument("--resume", action="store_true", help="keep rows of the same commit")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="docs/benchmarks, or if quick .limbeck/benchmarks",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        default=home / "limbeck-benchmarks",
        metavar="FOLDER",
        help="where peers are installed; %(default)s",
    )
    return parser  # fmt: skip


def _numbers(text: str) -> Sequence[int]:
    return [int(number) for number in text.split(",")]


def _peers(names: Sequence[str] | None) -> list[Peer]:
    ours = [Limbeck(PROGRAM), Bare(PROGRAM), Generate(PROGRAM)]
    peers: list[Peer] = [
        Drizzle(),
        Alembic(PROGRAM),
        PgDump(),
        DrizzleNext(),
        Django(),
        Sqlacodegen(),
        Migra(),
        Dbmate(),
        Sqitch(),
        Psql(),
    ]
    return [*ours, *(peer for peer in peers if names is None or peer.name in names)]


def _machine() -> dict[str, str]:
    model = ""
    cpu = Path("/proc/cpuinfo")
    for line in cpu.read_text().splitlines() if cpu.exists() else ():
        model = model or (line.partition(":")[2].strip() if line.startswith("model name") else "")
    load = os.getloadavg()[0]
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": (
            f"{os.cpu_count()} cores{f' ({model})' if model else ''}, "
            f"{platform.system()}, Python {platform.python_version()}, "
            f"load {load:.1f} at the start"
        ),
    }


if __name__ == "__main__":
    sys.exit(main())
