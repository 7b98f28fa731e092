"""A database with rows on which limbeck itself makes the changes of the state machine."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from limbeck import backfill, migrate
from limbeck.errors import LimbeckError
from limbeck.generate.draft import draft
from limbeck.generate.rendering.body import Body, render
from limbeck.phased.online import online
from limbeck.postgres import url as urls
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.read import read
from tests.postgres.cases.random_applications import FORCED, ROWS, Table, rows, schema, written

if TYPE_CHECKING:
    import psycopg

    from limbeck.phased.expand.composing import Phased
    from limbeck.postgres.database import Database
    from tests.postgres.conftest import Work
    from tests.postgres.passages import Example

EMPTY = """DROP SCHEMA public CASCADE; DROP SCHEMA IF EXISTS limbeck_state CASCADE;
CREATE SCHEMA public AUTHORIZATION {owner}"""

Values = dict[tuple[str, str], list[Any]]


class Live:
    """A database of which `connection` sees all rows, and the project that migrates it.

    `owner` owns the tables and migrates; FORCE ROW LEVEL SECURITY holds it back.
    """

    def __init__(
        self,
        make_work: Callable[[], Work],
        database: Database,
        connection: psycopg.Connection,
        owner: str,
    ) -> None:
        self.make_work, self.connection, self.owner = make_work, connection, owner
        own = urls.render({**database.parameters, "user": owner, "password": "x"})
        self.database = dataclasses.replace(database, url=own)
        self.tables: Sequence[Table] | None = None
        self.had: Values = {}
        self.number = 0
        connection.execute(f"ALTER DATABASE {database.dbname} OWNER TO {owner}".encode())

    def migrate(
        self, example: Example, before: Sequence[Table], after: Sequence[Table], *, hidden: bool
    ) -> None:
        """Make a change and expect all of it with all rows, at the latest after a loud failure.

        Args:
            example: The change.
            before: The tables, which the database gets unless the last change led to them.
            after: The tables that the change leads to.
            hidden: Whether row security applies to the role that migrates.

        """
        self.bypass("BYPASSRLS")
        if self.tables != before:
            self.prepare(before)
        self.tables, self.had = None, self.values(example)
        self.write(example)
        if hidden:
            self.bypass("NOBYPASSRLS")
            stopped = self.attempt(example, before)
            secured = any(table.secured == FORCED for table in (*before, *after))
            loud = secured and re.search("row.*security", f"{stopped}")
            assert stopped is None or loud, stopped
            has = self.values(example) if stopped else self.had
            # Each transaction of a revision is committed, so a table may have its new name already,
            # and a column that the change drops may be gone.
            stay = {column.address[2:] for column in example.after.of(Column)} | has.keys()
            kept = {
                name: has.get(name, has.get(renamed(example, name)))
                for name in self.had
                if name in stay or renamed(example, name) in stay
            }
            had = {name: self.had[name] for name in kept}
            assert kept == had, f"values are lost: {had}, {has}"
            self.bypass("BYPASSRLS")
        stopped = self.attempt(example, before)
        assert stopped is None, stopped
        catalog = read(self.connection, filters=example.place.filters)
        differences = [change.address for change in catalog.changes_to(example.after)]
        assert differences == [], f"another schema: {differences}"
        expected = {renamed(example, name): values for name, values in self.had.items()}
        has = self.values(example)
        wanted = {name: expected.get(name, has[name]) for name in has}
        assert has == wanted, f"values are lost: {self.had}, {has}"
        self.tables = after

    def attempt(self, example: Example, before: Sequence[Table]) -> LimbeckError | None:
        """Apply what is pending while the application goes on; return the error that stops it."""
        try:
            if self.apply():
                self.go_on(example, before)
                plan = backfill.plan(self.work.project, self.work.profile, self.database)
                backfill.run(plan, confirm=lambda _: True)
                self.go_on(example, before)
                assert not self.apply(), "the contract waits on"
        except LimbeckError as error:
            return error
        return None

    def go_on(self, example: Example, before: Sequence[Table]) -> None:
        """Let the old application write: it adds a row to each table and changes others."""
        self.number += 1
        # PL/pgSQL keeps the plans of a trigger in a session, with the types from before.
        self.connection.execute("DISCARD PLANS")
        self.connection.execute(written(before, self.number).encode())
        self.had = self.values(example)

    def bypass(self, attribute: str) -> None:
        """Let row security hold the owner back, or not."""
        self.connection.execute(f"ALTER ROLE {self.owner} {attribute}".encode())

    def prepare(self, tables: Sequence[Table]) -> None:
        """Begin anew: a project whose only revision makes the tables, and rows in them."""
        self.connection.execute(EMPTY.format(owner=self.owner).encode())
        self.work = self.make_work()
        self.work.revision("base", f"op.execute({schema(tables)!r})")
        self.apply()
        self.number = ROWS
        self.connection.execute(rows(tables, 1, ROWS).encode())

    def write(self, example: Example) -> None:
        """Write the revisions of a change, as generate and expand do."""
        if phased := example.phased:
            self.write_phases(example, phased)
            return
        ends = (example.before, example.after)
        with draft(self.work.project, self.work.history) as unfinished:
            up = example.preserving(online.steps(example.steps, *ends))
            unfinished.write("change", render(up, *ends), Body("pass", frozenset()))
            unfinished.keep()

    def write_phases(self, example: Example, phased: Phased) -> None:
        """Write both revisions of a change in phases."""
        name = f"change{len(self.work.history.revisions())}"
        backfills = [
            {"table": each.table, "set": dict(each.assignments), "where": each.where}
            for each in phased.backfills
        ]
        nothing = Body("pass", frozenset())
        with draft(self.work.project, self.work.history) as unfinished:
            first = None
            if steps := phased.expand.upgrade:
                data = f'phase = "expand"\nchange = {name!r}\nbackfills = {backfills!r}'
                body = render(steps, example.before, phased.middle)
                first = unfinished.write("expand", body, nothing, data=data)
            data = f'phase = "contract"\nchange = {name!r}\nuses = {list(phased.uses)!r}'
            body = render(phased.contract.upgrade, phased.middle, example.after)
            unfinished.write("contract", body, nothing, data=data, after=first)
            unfinished.keep()

    def apply(self) -> bool:
        """Apply what is pending; return whether a contract waits for a backfill."""
        project, profile, database = self.work.project, self.work.profile, self.database
        plan = migrate.plan(project, profile, database, through="contract", allow_used=True)
        migrate.apply(plan, confirm=lambda _: True, allow=None)
        return bool(plan.waiting)

    def values(self, example: Example) -> Values:
        """Return the values of the columns before and after a change, in the order of the keys.

        What can be computed again is left out.
        """
        columns = [column for side in (example.before, example.after) for column in side.of(Column)]
        computed = {each.address for each in columns if each.generated}
        here = read(self.connection).objects
        chosen = {each.address for each in columns if each.address in here} - computed
        return {address[2:]: self.column(*address[2:]) for address in sorted(chosen)}

    def column(self, table: str, column: str) -> list[Any]:
        """Return the values of a column."""
        query = f"SELECT {column} FROM {table} ORDER BY id"
        return [row[0] for row in self.connection.execute(query.encode()).fetchall()]


def renamed(example: Example, name: tuple[str, str]) -> tuple[str, str]:
    """Return the table and the name of a column after the renames of a change."""
    for rename in example.renamed:
        if rename.kind == "table" and rename.before.name == name[0]:
            name = rename.after.name, name[1]
        if rename.kind == "column" and rename.before[2:] == name:
            name = rename.after[2:]
    return name
