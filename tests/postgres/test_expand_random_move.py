"""Old and new applications write in any order while a column moves to another table."""

# ruff: noqa: D102 - the name of a rule says what happens
from __future__ import annotations

from typing import TYPE_CHECKING, Any

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

from limbeck.phased.expand.moved_column import MovedColumn, moved
from limbeck.postgres.connect import connect
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.read import read
from limbeck.schema.sql.quoting import quote
from tests.postgres.test_expand_random import carry_out

if TYPE_CHECKING:
    from limbeck.postgres.connect import Connection
    from limbeck.postgres.database import Database
    from limbeck.schema.catalog.catalog import Catalog

TABLES = """
CREATE TABLE books (id serial PRIMARY KEY, blurb text);
CREATE TABLE details (id serial PRIMARY KEY, note integer,
    book_id integer NOT NULL UNIQUE REFERENCES books ON DELETE CASCADE ON UPDATE CASCADE)"""
VALUES = [None, "a", "b", ""]
TRIGGERS = {"back": "details", "forth": "books", "take": "details"}


class Applications(RuleBasedStateMachine):
    """Books, each with one row of details at most, and the value of each book's column.

    The old application finds it in books until the contract, the new one in details from when all
    rows were filled in.
    """

    connection: Connection
    catalog: Catalog
    recipe: MovedColumn

    @initialize(steps=st.integers(0, 3))
    def begin(self, steps: int) -> None:
        self.connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        self.connection.execute(TABLES.encode())
        self.values: dict[int, str | None] = {}
        self.details: set[int] = set()
        self.phase, self.filled = "before", False
        if not hasattr(self, "catalog"):  # it is the same each time, and slow to read
            type(self).catalog = read(self.connection)
            type(self).recipe = self.moving()
        self.insert_by_the_old_one("a")
        self.connection.execute("INSERT INTO details (book_id) VALUES (1)")
        self.details.add(1)
        for step in (self.expand, lambda: self.backfill(1000), self.contract)[:steps]:
            step()

    def moving(self) -> MovedColumn:
        """Return the recipe."""
        with self.connection.transaction(force_rollback=True):
            self.connection.execute("ALTER TABLE details ADD COLUMN text text")
            self.connection.execute("ALTER TABLE books DROP COLUMN blurb")
            after = read(self.connection)
        values = {Address("column", "public", "details", "text"): "books.blurb"}
        (recipe,) = moved(self.catalog, after, values)
        return recipe

    def old(self) -> bool:
        return self.phase != "after"

    def new(self) -> bool:
        return self.phase == "after" or self.filled

    def id_of(self, query: str, *values: object) -> int:
        found = self.connection.execute(query.encode(), list(values)).fetchone()
        assert found
        return int(str(found[0]))

    def book(self, data: Any, *, detailed: bool | None = None) -> int | None:
        """Choose a book; with its details, or one without."""
        there = sorted(
            one for one in self.values if detailed is None or (one in self.details) == detailed
        )
        return data.draw(st.sampled_from(there)) if there else None

    @precondition(lambda self: self.phase != "after")
    @rule(value=st.sampled_from(VALUES))
    def insert_by_the_old_one(self, value: str | None) -> None:
        at = self.id_of("INSERT INTO books (blurb) VALUES (%s) RETURNING id", value)
        self.values[at] = value

    @precondition(lambda self: self.phase != "after" and self.values)
    @rule(data=st.data(), value=st.sampled_from(VALUES))
    def update_by_the_old_one(self, data: Any, value: str | None) -> None:
        at = self.book(data)
        self.connection.execute("UPDATE books SET blurb = %s WHERE id = %s", [value, at])
        self.values[int(str(at))] = value

    @rule()
    def insert_a_book(self) -> None:
        self.values[self.id_of("INSERT INTO books DEFAULT VALUES RETURNING id")] = None

    @rule(data=st.data())
    def insert_details(self, data: Any) -> None:
        if at := self.book(data, detailed=False):
            self.connection.execute("INSERT INTO details (book_id) VALUES (%s)", [at])
            self.details.add(at)
            if self.phase == "after":
                self.values[at] = None

    @precondition(lambda self: self.phase == "after" or self.filled)
    @rule(data=st.data(), value=st.sampled_from([one for one in VALUES if one is not None]))
    def insert_details_by_the_new_one(self, data: Any, value: str) -> None:
        if at := self.book(data, detailed=False):
            text = "INSERT INTO details (book_id, text) VALUES (%s, %s)"
            self.connection.execute(text.encode(), [at, value])
            self.details.add(at)
            self.values[at] = value

    @precondition(lambda self: self.phase == "after" or self.filled)
    @rule(data=st.data(), value=st.sampled_from(VALUES))
    def update_by_the_new_one(self, data: Any, value: str | None) -> None:
        if at := self.book(data, detailed=True):
            text = "UPDATE details SET text = %s WHERE book_id = %s"
            self.connection.execute(text.encode(), [value, at])
            self.values[at] = value

    @rule(data=st.data())
    def update_something_else(self, data: Any) -> None:
        if at := self.book(data, detailed=True):
            self.connection.execute("UPDATE details SET note = 1 WHERE book_id = %s", [at])

    @rule(data=st.data())
    def refer_to_another_book(self, data: Any) -> None:
        one, other = self.book(data, detailed=True), self.book(data, detailed=False)
        if one and other:
            text = "UPDATE details SET book_id = %s WHERE book_id = %s"
            self.connection.execute(text.encode(), [other, one])
            self.details ^= {one, other}
            if self.phase == "after":
                self.values[other], self.values[one] = self.values[one], None

    @rule(data=st.data())
    def delete(self, data: Any) -> None:
        if at := self.book(data):
            self.connection.execute("DELETE FROM books WHERE id = %s", [at])
            self.details.discard(at)
            del self.values[at]

    @rule(data=st.data())
    def give_a_book_another_key(self, data: Any) -> None:
        if at := self.book(data):
            new = self.id_of("SELECT nextval('books_id_seq')")
            self.connection.execute("UPDATE books SET id = %s WHERE id = %s", [new, at])
            self.values[new] = self.values.pop(at)
            if at in self.details:
                self.details ^= {at, new}

    @precondition(lambda self: self.phase == "before")
    @rule()
    def expand(self) -> None:
        self.connection.execute("ALTER TABLE details ADD COLUMN text text")
        carry_out(self.connection, self.recipe.expand(self.catalog))
        self.phase, self.filled = "middle", False

    @precondition(lambda self: self.phase == "middle")
    @rule(rows=st.sampled_from([1, 2, 1000]))
    def backfill(self, rows: int) -> None:
        (told,) = self.recipe.backfill()
        sets = ", ".join(f"{quote(column)} = {value}" for column, value in told.assignments)
        chosen = f"SELECT id FROM details WHERE {told.where} ORDER BY id LIMIT {rows}"
        text = f"UPDATE {told.table} SET {sets} WHERE id IN ({chosen})"
        self.connection.execute(text.encode())
        self.filled = self.filled or self.wrong() == 0

    def wrong(self) -> int:
        (told,) = self.recipe.backfill()
        return self.id_of(f"SELECT count(*) FROM {told.table} WHERE {told.where}")

    @precondition(lambda self: self.phase == "middle")
    @rule()
    def roll_back(self) -> None:
        for name, table in TRIGGERS.items():
            column = "blurb" if table == "books" else "text"
            trigger = f"zz_move_{name}_{table}_{column}"
            self.connection.execute(f"DROP TRIGGER {trigger} ON {table}".encode())
            self.connection.execute(f"DROP FUNCTION {trigger}()".encode())
        self.connection.execute("ALTER TABLE details DROP COLUMN text")
        self.phase, self.filled = "before", False

    @precondition(lambda self: self.phase == "middle" and self.filled)
    @rule()
    def contract(self) -> None:
        lost = [at for at in self.values if at not in self.details and self.values[at] is not None]
        if lost:  # it would be refused
            return
        carry_out(self.connection, self.recipe.contract(self.catalog, self.catalog))
        self.connection.execute("ALTER TABLE books DROP COLUMN blurb")
        self.phase = "after"

    @precondition(lambda self: self.phase == "after")
    @rule()
    def undo(self) -> None:
        carry_out(self.connection, self.recipe.rollback(self.catalog, self.catalog))
        self.phase, self.filled = "middle", True

    @invariant()
    def both_see_the_same(self) -> None:
        if not hasattr(self, "values"):
            return
        wanted = sorted(self.values.items())
        if self.old():
            query = "SELECT id, blurb FROM books ORDER BY id"
            assert self.connection.execute(query).fetchall() == wanted
        if self.new():
            query = "SELECT book_id, text FROM details ORDER BY book_id"
            found = self.connection.execute(query).fetchall()
            assert found == [(at, value) for at, value in wanted if at in self.details]


@pytest.mark.parametrize("examples", [10, pytest.param(100, marks=pytest.mark.thorough)])
def test_any_order_of_writes_while_a_column_moves(examples: int, database: Database) -> None:
    with connect(database) as connection:
        connection.execute("SET synchronous_commit = off")
        machine = type("Machine", (Applications,), {"connection": connection})
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=examples,
                stateful_step_count=30,
                deadline=None,
                print_blob=True,
                suppress_health_check=list(HealthCheck),
            ),
        )
