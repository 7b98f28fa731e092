"""Old and new applications write in any order: both see the same, in every phase."""

# ruff: noqa: D102 - the name of a rule says what happens
from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from limbeck.phased.expand.renamed_column import RenamedColumn
from limbeck.postgres.connect import connect
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.read import read
from limbeck.schema.sql.quoting import quote

if TYPE_CHECKING:
    from limbeck.postgres.connect import Connection
    from limbeck.postgres.database import Database
    from limbeck.schema.catalog.catalog import Catalog
    from limbeck.schema.diff.steps import Step

LEFT_OUT = "left out"
# Equal to "=" and yet not the same: 1.0 and 1.00.
COLUMNS = {
    "text DEFAULT 'd'": [None, "a", "b", "d", ""],
    "text": [None, "a", "b"],
    "numeric DEFAULT 1.0": [None, "1", "1.0", "1.00", "2"],
    "json": [None, "1", '{"a": 1}', '{"a":1}'],
    "text NOT NULL DEFAULT 'd'": ["a", "d"],
}
DEFAULTS = {"text DEFAULT 'd'": "d", "numeric DEFAULT 1.0": "1.0", "text NOT NULL DEFAULT 'd'": "d"}


def carry_out(connection: Connection, steps: Iterable[Step]) -> None:
    """Run steps one after the other."""
    for step in steps:
        connection.execute(step.sql.encode())


def renaming(catalog: Catalog) -> RenamedColumn:
    """Return the recipe that renames t.old to t.new."""
    column = catalog.objects[Address("column", "public", "t", "old")]
    table = catalog.objects[Address("table", "public", "t")]
    assert isinstance(column, Column)
    assert isinstance(table, Table)
    return RenamedColumn(column, "new", table)


class Applications(RuleBasedStateMachine):
    """A table, what should be in it, and what may happen to it.

    The old application runs until the contract, the new one from when all rows were filled in.
    """

    connection: Connection
    url: str
    kind: str
    catalog: Catalog
    recipe: RenamedColumn

    @initialize(steps=st.integers(0, 3))
    def begin(self, steps: int) -> None:
        self.connection.execute("DROP TABLE IF EXISTS t CASCADE")
        self.connection.execute("DROP FUNCTION IF EXISTS zz_sync_t_new, zz_sync_t_old")
        self.connection.execute(
            f"CREATE TABLE t (id serial PRIMARY KEY, old {self.kind}, note integer)".encode()
        )
        self.rows: dict[int, str | None] = {}
        self.phase, self.filled = "before", False
        if not hasattr(self, "catalog"):  # it is the same each time, and slow to read
            type(self).catalog = read(self.connection)
            type(self).recipe = renaming(self.catalog)
        for step in (self.expand, lambda: self.backfill(1000), self.contract)[:steps]:
            step()

    def sides(self) -> list[str]:
        """Name the columns that applications use now."""
        old = ["old"] if self.phase != "after" else []
        return [*old, *(["new"] if self.filled or self.phase == "after" else [])]

    def side(self, data: Any) -> str:
        return str(data.draw(st.sampled_from(self.sides())))

    def value(self, data: Any) -> str | None:
        return data.draw(st.sampled_from(COLUMNS[self.kind]))  # type: ignore[no-any-return]

    def row(self, data: Any) -> int:
        return int(data.draw(st.sampled_from(sorted(self.rows))))

    @rule(data=st.data(), left_out=st.booleans())
    def insert(self, data: Any, left_out: bool) -> None:  # noqa: FBT001 - Hypothesis draws it
        if left_out:
            text, value = "INSERT INTO t (note) VALUES (%s) RETURNING id", DEFAULTS.get(self.kind)
            found = self.connection.execute(text, [1]).fetchone()
        else:
            side, value = self.side(data), self.value(data)
            text = f"INSERT INTO t ({side}) VALUES (%s) RETURNING id"
            found = self.connection.execute(text.encode(), [value]).fetchone()
        assert found
        self.rows[int(str(found[0]))] = value

    @precondition(lambda self: self.rows)
    @rule(data=st.data())
    def update(self, data: Any) -> None:
        side, at, value = self.side(data), self.row(data), self.value(data)
        self.connection.execute(f"UPDATE t SET {side} = %s WHERE id = %s".encode(), [value, at])
        self.rows[at] = value

    @precondition(lambda self: self.rows)
    @rule(data=st.data())
    def update_something_else(self, data: Any) -> None:
        at = self.row(data)
        self.connection.execute("UPDATE t SET note = coalesce(note, 0) + 1 WHERE id = %s", [at])

    @precondition(lambda self: self.rows)
    @rule(data=st.data())
    def upsert(self, data: Any) -> None:
        side, at, value = self.side(data), self.row(data), self.value(data)
        text = (
            f"INSERT INTO t (id, {side}) VALUES (%s, %s)"
            f" ON CONFLICT (id) DO UPDATE SET {side} = EXCLUDED.{side}"
        )
        self.connection.execute(text.encode(), [at, value])
        self.rows[at] = value

    @rule(data=st.data())
    def copy(self, data: Any) -> None:
        side, value = self.side(data), self.value(data)
        query = "SELECT nextval('t_id_seq') FROM generate_series(1, 2)"
        ids = [int(str(row[0])) for row in self.connection.execute(query).fetchall()]
        with (
            self.connection.cursor() as cursor,
            cursor.copy(f"COPY t (id, {side}) FROM STDIN".encode()) as copied,
        ):
            for at in ids:
                copied.write_row((at, value))
                self.rows[at] = value

    @precondition(lambda self: self.rows)
    @rule(data=st.data())
    def delete(self, data: Any) -> None:
        at = self.row(data)
        self.connection.execute("DELETE FROM t WHERE id = %s", [at])
        del self.rows[at]

    @precondition(lambda self: self.phase == "before")
    @rule()
    def expand(self) -> None:
        carry_out(self.connection, self.recipe.expand(self.catalog))
        self.phase, self.filled = "middle", False

    @precondition(lambda self: self.phase == "middle")
    @rule(rows=st.sampled_from([1, 2, 1000]))
    def backfill(self, rows: int) -> None:
        self.connection.execute(self.batch(rows).encode())
        self.filled = self.filled or self.wrong() == 0

    def batch(self, rows: int) -> str:
        (told,) = self.recipe.backfill()
        sets = ", ".join(f"{quote(column)} = {value}" for column, value in told.assignments)
        chosen = f"SELECT id FROM t WHERE {told.where} ORDER BY id LIMIT {rows}"
        return f"UPDATE {told.table} SET {sets} WHERE id IN ({chosen})"

    def killed(self, *statements: str) -> None:
        """Let a session carry statements out and be ended before it commits."""
        with psycopg.connect(self.url) as other:
            for statement in statements:
                other.execute(statement.encode())
            pid = other.info.backend_pid
            # Without its second argument, with which it looks every 100 ms only: whoever needs
            # the locks of the session waits for its end anyway.
            self.connection.execute("SELECT pg_terminate_backend(%s)", [pid])
            with pytest.raises(psycopg.OperationalError):
                other.execute("SELECT 1")

    @precondition(lambda self: self.phase == "before")
    @rule()
    def expand_and_be_killed(self) -> None:
        self.killed(*(step.sql for step in self.recipe.expand(self.catalog)))

    @precondition(lambda self: self.phase == "middle")
    @rule(rows=st.sampled_from([1, 1000]))
    def backfill_and_be_killed(self, rows: int) -> None:
        self.killed(self.batch(rows))

    @precondition(lambda self: self.phase == "middle" and self.filled)
    @rule()
    def contract_and_be_killed(self) -> None:
        steps = [
            *(step.sql for step in self.recipe.contract(self.catalog, self.catalog)),
            *(step.sql for step in self.recipe.switch()),
        ]
        self.killed(*steps, "ALTER TABLE t RENAME COLUMN old TO new")

    def wrong(self) -> int:
        (told,) = self.recipe.backfill()
        query = f"SELECT count(*) FROM {told.table} WHERE {told.where}"
        found = self.connection.execute(query.encode()).fetchone()
        assert found
        return int(str(found[0]))

    @precondition(lambda self: self.phase == "middle")
    @rule()
    def roll_back(self) -> None:
        carry_out(self.connection, self.recipe.sync.drop())
        self.connection.execute("ALTER TABLE t DROP COLUMN new")
        self.phase, self.filled = "before", False

    @precondition(lambda self: self.phase == "middle" and self.filled)
    @rule()
    def contract(self) -> None:
        with self.connection.transaction():
            carry_out(self.connection, self.recipe.contract(self.catalog, self.catalog))
            carry_out(self.connection, self.recipe.switch())
            self.connection.execute("ALTER TABLE t RENAME COLUMN old TO new")
        self.phase = "after"

    @precondition(lambda self: self.phase == "after")
    @rule()
    def undo(self) -> None:
        carry_out(self.connection, self.recipe.rollback(self.catalog, self.catalog))
        self.phase, self.filled = "middle", True

    @invariant()
    def all_see_the_same(self) -> None:
        for side in self.sides() if hasattr(self, "rows") else ():
            query = f"SELECT id, {side}::text FROM t ORDER BY id"
            found = self.connection.execute(query.encode()).fetchall()
            assert found == sorted(self.rows.items()), side
        if getattr(self, "filled", False) and self.phase == "middle":
            assert self.wrong() == 0


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=() if kind == "text DEFAULT 'd'" else pytest.mark.thorough)
        for kind in COLUMNS
    ],
)
def test_any_order_of_writes(kind: str, database: Database) -> None:
    with connect(database) as connection:
        connection.execute("SET synchronous_commit = off")
        machine = type(
            "Machine",
            (Applications,),
            {"connection": connection, "kind": kind, "url": database.url},
        )
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=15,
                stateful_step_count=30,
                deadline=None,
                print_blob=True,
                suppress_health_check=list(HealthCheck),
            ),
        )


def test_a_row_of_replication_is_kept_in_step(database: Database) -> None:
    """As an apply worker brings it: in a session whose ordinary triggers do not fire."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE t (id integer PRIMARY KEY, old text)")
        catalog = read(connection)
        carry_out(connection, renaming(catalog).expand(catalog))
        connection.execute("SET session_replication_role = replica")
        connection.execute("INSERT INTO t (id, old) VALUES (1, 'a'), (2, 'b')")
        connection.execute("UPDATE t SET old = 'c' WHERE id = 2")
        assert connection.execute("SELECT new FROM t ORDER BY id").fetchall() == [("a",), ("c",)]


def test_what_a_trigger_of_the_users_own_writes_is_kept_in_step(database: Database) -> None:
    with connect(database) as connection:
        connection.execute("CREATE TABLE t (id integer PRIMARY KEY, old text)")
        connection.execute(
            "CREATE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN NEW.old := trim(NEW.old); RETURN NEW; END $$"
        )
        connection.execute(
            "CREATE TRIGGER tidy BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION tidy()"
        )
        catalog = read(connection)
        carry_out(connection, renaming(catalog).expand(catalog))
        connection.execute("INSERT INTO t (id, old) VALUES (1, ' a ')")
        connection.execute("INSERT INTO t (id, new) VALUES (2, 'b')")
        connection.execute("UPDATE t SET old = ' c ' WHERE id = 2")
        found = connection.execute("SELECT old, new FROM t ORDER BY id").fetchall()
        assert found == [("a", "a"), ("c", "c")]
