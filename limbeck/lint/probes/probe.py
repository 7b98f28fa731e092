"""The statements of an application that are tried at every commit point, and their outcomes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from limbeck.dataclass import dataclass
from limbeck.lint.probes.relation import Relation
from limbeck.lint.probes.rows import Row, insert, required, written
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.sql.lexer import identifiers
from limbeck.schema.sql.quoting import quote, quoted

REFUSED = "42501"  # insufficient_privilege, which a policy's WITH CHECK raises as well
SUCCESS = "00000"
FEW = 1000  # rows of a table of an environment that are looked at


@dataclass(frozen=True, slots=True)
class Probe:
    """One statement of an application, and who sends it; `role` is None for the owner.

    `rows` is whether the statement returns the rows that the role sees as one text each. `writes`
    tells whether it is an INSERT or UPDATE.
    """

    relation: Address
    action: str
    sql: str
    role: str | None = None
    rows: bool = False
    writes: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a probe: its SQLSTATE, Postgres' message, and the rows if it returns them."""

    state: str
    message: str = ""
    rows: frozenset[str] = frozenset()

    @property
    def works(self) -> bool:
        """Whether Postgres accepted the statement."""
        return self.state == SUCCESS


@dataclass(frozen=True, slots=True)
class Spares:
    """The rows that probes insert: one that an application may write, and one of another tenant."""

    own: Row
    other: Row


def probes(
    relation: Relation,
    spares: Spares,
    shared: Iterable[str],
    roles: Iterable[str],
    *,
    real: bool = False,
) -> Iterator[Probe]:
    """Yield the statements for a relation, as its owner and as each of the roles.

    Args:
        relation: the table or view.
        spares: the rows that are inserted.
        shared: the names of the columns that the relation has before and after the change; its
            rows are told apart by them.
        roles: the roles besides the owner.
        real: whether the rows are an environment's: of those, only a few are read.

    """
    identity = [name for name in relation.primary if name in set(shared)] or sorted(shared)
    for role in (None, *roles):
        for action, sql in _statements(relation, spares, real=real):
            writes = action.startswith(("INSERT", "UPDATE"))
            yield Probe(relation.address, action, sql, role, writes=writes)
        if role is not None and identity:
            for action, sql in _seen(relation, identity, real=real):
                yield Probe(relation.address, action, sql, role, rows=True)
            if relation.secured and not relation.materialized:
                sql = insert(relation, written(relation, spares.other))
                yield Probe(relation.address, "INSERT of another tenant's row", sql, role)


def _statements(relation: Relation, spares: Spares, *, real: bool) -> Iterator[tuple[str, str]]:
    name = relation.name
    for column in relation.fields:
        yield f"SELECT {quote(column.name)}", f"SELECT {quote(column.name)} FROM {name} LIMIT 1"
    if relation.materialized:
        return
    row = written(relation, spares.own)
    yield "INSERT of all columns", insert(relation, row)
    if relation.is_table:
        yield "INSERT of the required columns", insert(relation, required(relation, row))
    if relation.triggered:  # a trigger may fill what the table requires
        for name_ in required(relation, row):
            rest = {other: text for other, text in row.items() if other != name_}
            yield f"INSERT without {quote(name_)}", insert(relation, rest)
    last = _last(relation, real=real)
    yield from _updates(relation, row, last)
    yield "DELETE", f"DELETE FROM {name} WHERE {last}"
    for arbiter in relation.conflicts:
        sets = ", ".join(f"{quote(column)} = EXCLUDED.{quote(column)}" for column in row)
        if sets:
            action = f"INSERT ... ON CONFLICT {arbiter}"
            yield action, f"{insert(relation, row)} ON CONFLICT {arbiter} DO UPDATE SET {sets}"


def _updates(relation: Relation, row: Row, last: str) -> Iterator[tuple[str, str]]:
    linked = {*relation.unique, *(name for each in relation.parents for name in each.columns)}
    for column in relation.fields:
        if not column.written:
            continue
        name, value = quote(column.name), row.get(column.name)
        same = column.name in linked or value is None or not relation.is_table
        new = name if same else f"'{str(value).replace(chr(39), chr(39) * 2)}'"
        action = f"UPDATE of {name}"
        yield action, f"UPDATE {relation.name} SET {name} = {new} WHERE {last}"


def _last(relation: Relation, *, real: bool) -> str:
    """Return a condition for the last row of a table, which no other row refers to."""
    if not relation.is_table:
        return "false" if real else "true"
    if real:  # the last one of millions would have to be searched for
        return first(relation.name)
    return f"ctid = (SELECT ctid FROM {relation.name} ORDER BY ctid DESC LIMIT 1)"


def first(table: str) -> str:
    """Return a condition for the row of a table that is read first."""
    return f"ctid = (SELECT ctid FROM {table} LIMIT 1)"


def _seen(relation: Relation, identity: Sequence[str], *, real: bool) -> Iterator[tuple[str, str]]:
    """Yield queries for the rows that a role may read, update and delete."""
    columns = quoted(identity)
    row = f"ROW({columns})::text"
    few = f" ORDER BY {columns} LIMIT {FEW}" if real else ""
    yield "SELECT of all rows", f"SELECT {row} FROM {relation.name}{few}"
    if real or not (relation.secured and relation.is_table):
        return
    first = quote(identity[0])
    commands = {policy.command for policy in relation.policies}
    if commands & {"UPDATE", "u", "w"}:
        sql = f"UPDATE {relation.name} SET {first} = {first} RETURNING {row}"
        yield "UPDATE of all rows", sql
    if commands & {"DELETE", "d"}:
        yield "DELETE of all rows", f"DELETE FROM {relation.name} RETURNING {row}"


def settings(relations: Iterable[Relation], spares: dict[Address, Spares]) -> dict[str, str]:
    """Return the settings that policies read, with the value of a row of the role's own tenant."""
    chosen: dict[str, str] = {}
    for relation in relations:
        for policy in relation.policies:
            text = f"{policy.using or ''} {policy.check or ''}"
            names = set(identifiers(text))
            own = spares[relation.address].own if relation.address in spares else {}
            value = next((own[name] for name in own if name in names and own[name]), None) or "1"
            for name in _settings(text):
                chosen.setdefault(name, value)
    return chosen


def _settings(text: str) -> Iterator[str]:
    """Yield the names that an expression gives to current_setting()."""
    for part in text.split("current_setting(")[1:]:
        if part.startswith("'") and "." in (name := part[1:].partition("'")[0]):
            yield name
