"""Judge limbeck's hazards by what Postgres does: python benchmarks/lint.py [--postgres URL].

Prints in how many of the recorded statements the trace sees the locks, scans and rewrites that
were recorded, and how limbeck and squawk judge the labelled ones: those that block somebody for
as long as the table is big should be named, and no others. squawk is run where it is installed
(pip install squawk-cli), with those of its rules that are about style or timeouts switched off.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from truth_table import CORPUS, Case, alone, base, cases, differences, hazards, observed

from limbeck.lint.trace.statement import Statement
from limbeck.postgres.connect import connect
from limbeck.postgres.database import Database
from limbeck.postgres.embedded.server import Server
from limbeck.shadow.shadow import Shadow

STYLE = (
    "prefer-bigint-over-int,prefer-bigint-over-smallint,prefer-identity,prefer-text-field,"
    "prefer-timestamp-tz,prefer-robust-stmts,ban-char-field,require-timeout-settings,"
    "require-lock-timeout,require-statement-timeout,require-table-schema,identifier-too-long,"
    "transaction-nesting,ban-uncommitted-transaction,require-enum-value-ordering"
)


@dataclass(frozen=True, slots=True)
class Score:
    """How many were named: rightly, wrongly, and how many should have been and were not."""

    found: int
    missed: int
    alarms: int

    def line(self, name: str) -> str:
        """Return a row of the table."""
        recall = self.found / (self.found + self.missed)
        precision = self.found / (self.found + self.alarms)
        return (
            f"| {name} | {self.found} | {self.missed} | {self.alarms} | {recall:.2f} "
            f"| {precision:.2f} |"
        )


def score(labelled: list[Case], named: set[str]) -> Score:
    """Compare what a linter names with what blocks."""
    blocking = {case.name for case in labelled if case.blocks}
    harmless = {case.name for case in labelled} - blocking
    return Score(len(blocking & named), len(blocking - named), len(harmless & named))


def seen_by_limbeck(all_cases: list[Case], shadow: Shadow) -> dict[str, Statement]:
    """Trace every case; those that leave nothing behind share a database."""
    found = {}
    with shadow.scratch() as common:
        with connect(common) as connection:
            base(connection)
        for case in all_cases:
            if alone(case):
                with shadow.scratch(common.dbname) as own:
                    _without_tablespace(shadow)
                    found[case.name] = observed(case, own)
            else:
                found[case.name] = observed(case, common)
    _without_tablespace(shadow)
    return found


def _without_tablespace(shadow: Shadow) -> None:
    # It belongs to the server, so it outlives the database of its case.
    with connect(shadow.database) as connection:
        connection.execute("DROP TABLESPACE IF EXISTS ts_mig")


def named_by_squawk(labelled: list[Case], program: str) -> set[str]:
    """Run squawk over the statements, one file each."""
    named = set()
    with tempfile.TemporaryDirectory() as folder:
        for case in labelled:
            path = Path(folder) / f"{case.name}.sql"
            path.write_text(case.ddl)
            words = [program, "--reporter", "json", "--exclude", STYLE, "--pg-version", "15", path]
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            if done.stderr:
                raise RuntimeError(f"squawk: {done.stderr}")
            if json.loads(done.stdout or "[]"):
                named.add(case.name)
    return named


@contextmanager
def server(url: str | None) -> Iterator[Shadow]:
    """Give the server of a URL, or an embedded one for this run."""
    if url:
        yield Shadow(Database.from_url("benchmark", url))
        return
    with tempfile.TemporaryDirectory() as folder:
        own = Server(Path(folder), port=None)
        own.start()
        try:
            yield Shadow(Database.from_url("benchmark", own.url("postgres")))
        finally:
            own.stop()


def _squawk() -> str | None:
    beside = Path(sys.executable).parent / "squawk"
    return str(beside) if beside.exists() else shutil.which("squawk")


def main() -> int:
    """Print both tables; 1 where the trace differs from a record."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--postgres", metavar="URL", help="a server to use, not the embedded one")
    url = parser.parse_args().postgres
    with server(url) as shadow:
        with connect(shadow.database) as connection:
            major = connection.info.server_version // 10000
        all_cases = list(cases(major))
        seen = seen_by_limbeck(all_cases, shadow)
    wrong = {
        case.name: found for case in all_cases if (found := differences(case, seen[case.name]))
    }
    print(f"Postgres {major}: {len(all_cases) - len(wrong)} of {len(all_cases)} as recorded")
    for name, found in wrong.items():
        print(f"  {name}: {'; '.join(found)}")
    _compare(all_cases, seen)
    return 1 if wrong else 0


def _compare(all_cases: list[Case], seen: dict[str, Statement]) -> None:
    # The labels are of Postgres 15, where all linters can read every statement.
    older = {case.name for case in cases(15)}
    labelled = [case for case in all_cases if case.labelled and case.name in older]
    ours = {
        case.name
        for case in labelled
        if any(one.level == "blocking" for one in hazards(seen[case.name]))
    }
    print(f"\n{len(labelled)} labelled, {sum(case.blocks for case in labelled)} of them block\n")
    print("| linter | found | missed | false alarms | recall | precision |")
    print("|---|---|---|---|---|---|")
    print(score(labelled, ours).line("limbeck"))
    if program := _squawk():
        print(score(labelled, named_by_squawk(labelled, program)).line("squawk"))
    else:
        print("| squawk | not installed: pip install squawk-cli | | | | |")


if __name__ == "__main__":
    if not CORPUS.exists():
        sys.exit(f"no recorded statements in {CORPUS}")
    sys.exit(main())
