"""Sessions of an application under row security, and what they live through."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import psycopg

SMALL = 1_000  # rows of the other table, whose statements never wait for a rewrite
SESSIONS, RATE = 3, 10  # for each table and application; and each session's rounds a second
IDS = 10  # that a read asks for


@dataclass(slots=True)
class Counts:
    """What an application lived through; `failures` are (second, whether a write, message).

    `longest` is the seconds of the longest statement on the small table.
    """

    statements: int = 0
    leaked: int = 0
    hidden: int = 0
    longest: float = 0.0
    failures: list[tuple[float, bool, str]] = field(default_factory=list)
    wrong: list[float] = field(default_factory=list)
    """When a read showed or hid rows."""

    def add(self, other: Counts) -> None:
        """Add what another session has counted."""
        self.statements += other.statements
        self.leaked += other.leaked
        self.hidden += other.hidden
        self.longest = max(self.longest, other.longest)
        self.failures += other.failures
        self.wrong += other.wrong

    @property
    def seconds(self) -> float:
        """The time from the first fault to the last."""
        moments = [*self.wrong, *(moment for moment, _, _ in self.failures)]
        return max(moments) - min(moments) if moments else 0.0

    def cells(self) -> str:
        """Return the cells of a Markdown row."""
        writes = sum(write for _, write, _ in self.failures)
        reads = len(self.failures) - writes
        return (
            f"{self.statements:,} | {reads:,} | {writes:,} | {self.leaked:,} | {self.hidden:,} | "
            f"{self.seconds:.1f} s | {self.longest:.1f} s"
        )


@dataclass(frozen=True, slots=True)
class Session:
    """One of the sessions of an application: a table, the name of a column, and the rows.

    Rows with odd numbers are those of its own tenant; the others are `secured` all the time, or
    only after the change.
    """

    url: str
    table: str
    nick: str
    rows: int
    secured: bool
    counts: Counts = field(default_factory=Counts)

    def run(self, seed: int, stopped: threading.Event) -> None:
        """Go through the statements, round by round, until it is stopped."""
        chance = random.Random(seed)  # noqa: S311 - no secret
        due = time.monotonic() + seed / SESSIONS / RATE
        # As pgbench by default: without prepared statements, whose result may not change its type.
        with psycopg.connect(
            self.url, autocommit=True, prepare_threshold=None, options="-c role=app"
        ) as connection:
            while not stopped.wait(max(0.0, due - time.monotonic())):
                for sql, write in self._statements():
                    self._send(connection, sql, chance, write=write)
                due = max(due + 1 / RATE, time.monotonic() - 1 / RATE)  # it does not catch up

    def _statements(self) -> Iterator[tuple[str, bool]]:
        table, nick = self.table, self.nick
        yield f"SELECT id, tenant, n, {nick} FROM {table} WHERE id = ANY(%(ids)s)", False
        yield f"INSERT INTO {table} (n, {nick}) VALUES (1, 'new')", True
        yield f"UPDATE {table} SET n = n + 1, {nick} = 'x' WHERE id = %(own)s RETURNING id", True
        conflict = f"ON CONFLICT (id) DO UPDATE SET n = {table}.n + 1"
        yield f"INSERT INTO {table} (id, n) VALUES (%(own)s, 1) {conflict}", True

    def _send(
        self,
        connection: psycopg.Connection[tuple[object, ...]],
        sql: str,
        chance: random.Random,
        *,
        write: bool,
    ) -> None:
        ids = [chance.randint(1, self.rows) for _ in range(IDS)]
        own = 2 * chance.randint(1, self.rows // 2) - 1
        self.counts.statements += 1
        began = time.monotonic()
        try:
            cursor = connection.execute(sql.encode(), {"ids": ids, "own": own})
        except psycopg.Error as error:
            words = str(error).splitlines()[0]
            self.counts.failures.append((time.monotonic(), write, words))
            return
        if self.rows == SMALL:
            self.counts.longest = max(self.counts.longest, time.monotonic() - began)
        if cursor.description is not None:
            asked = {own} if write else set(ids)
            self._compare(asked, {int(str(row[0])) for row in cursor.fetchall()})

    def _compare(self, asked: set[int], seen: set[int]) -> None:
        may = {number for number in asked if number % 2}
        leaked = len(seen - may) if self.secured else 0
        hidden = len(may - seen)
        self.counts.leaked += leaked
        self.counts.hidden += hidden
        if leaked or hidden:
            self.counts.wrong.append(time.monotonic())


@dataclass(slots=True)
class Application:
    """The sessions of one version of the application."""

    sessions: Sequence[Session]
    stopped: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)

    @classmethod
    def of(cls, url: str, rows: int, nick: str, *, secured: bool) -> Application:
        """Return an application that is not yet started.

        Args:
            url: its database.
            rows: those of the table events.
            nick: the name of a column of the table accounts.
            secured: whether other tenants' rows are hidden from the beginning.

        """
        tables = (("accounts", SMALL, nick), ("events", rows, "nick"))
        return cls(
            [
                Session(url, name, own, size, secured)
                for name, size, own in tables
                for _ in range(SESSIONS)
            ]
        )

    def start(self) -> None:
        """Start its sessions."""
        self.threads = [
            threading.Thread(target=session.run, args=(seed, self.stopped))
            for seed, session in enumerate(self.sessions)
        ]
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        """End its sessions after their round."""
        self.stopped.set()
        for thread in self.threads:
            thread.join()
