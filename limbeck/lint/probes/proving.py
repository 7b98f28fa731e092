"""Run a revision on a scratch database with rows, and probe it at every commit point."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import field, replace
from typing import TypeAlias

from limbeck.dataclass import dataclass
from limbeck.engine import running
from limbeck.engine.terms import PLAIN, Committed
from limbeck.errors import MigrationError
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.lint.probes import asking
from limbeck.lint.probes.concerned import LONGEST, concerned
from limbeck.lint.probes.gaps import Gap, Point, Role, gaps
from limbeck.lint.probes.passage import Passage
from limbeck.lint.probes.probe import Probe, Spares, probes, settings
from limbeck.lint.probes.relation import Relation, Relations
from limbeck.lint.probes.rows import OTHER, ROLE, ROWS, SPARE, Row, Rows, insert, written
from limbeck.lint.probes.values import Values
from limbeck.postgres.connect import Connection, connect
from limbeck.postgres.database import Database
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.grants import Grant
from limbeck.schema.sql.quoting import literal, qualified

Run: TypeAlias = "Callable[[Connection, Committed], object]"


def running_of(history: History, revision: Revision) -> Run:
    """Return the function that runs a revision of a history, for `Change.run`."""

    def run(connection: Connection, committed: Committed) -> None:
        running.run(history, connection, [revision], terms=replace(PLAIN, committed=committed))

    return run


@dataclass(frozen=True, slots=True)
class Change:
    """A revision to probe, and the catalogs before and after it.

    `run` runs it on a connection, and hands the statements of each commit to its second argument.
    `role` says which application runs meanwhile. `wrong` has, for a table, the condition for the
    rows whose two sides differ: asked after an expand, and before its contract. `create_role` is
    whether the server may get the role `limbeck_probe`. `touched` are relations that statements of
    the revision lock, though it leaves them as they were. `real` is whether the database is a copy
    of an environment: no rows and no privileges are added to it.
    """

    run: Run
    before: Catalog
    after: Catalog
    role: Role = "plain"
    wrong: Mapping[Address, str] = field(default_factory=dict)
    create_role: bool = True
    touched: tuple[Address, ...] = ()
    real: bool = False

    def relations(self, catalog: Catalog) -> list[Address]:
        """Return the tables and views of one of the two catalogs that the change concerns."""
        return concerned(self.before, self.after, probed=catalog, touched=self.touched)


def probe(change: Change, scratch: Callable[[], AbstractContextManager[Database]]) -> Passage:
    """Return what applications live through while a revision runs.

    Args:
        change: the revision.
        scratch: yields a new scratch database in the state before the revision.

    """
    application = change.after if change.role == "contract" else change.before
    if not change.relations(application):
        return Passage()
    problem = None
    for filled in (True, False):  # a revision may refuse rows that a target never has
        try:
            with scratch() as database, connect(database) as runner, connect(database) as asker:
                return probe_on(change, runner, asker, filled=filled)
        except MigrationError as error:
            problem = problem or error.message
    return Passage(problem=problem)


def probe_on(
    change: Change, runner: Connection, asker: Connection, *, filled: bool = False
) -> Passage:
    """Run a revision on a database, and return what applications live through there.

    Args:
        change: the revision.
        runner: where the revision runs.
        asker: another session of the same role, in autocommit mode.
        filled: whether the tables get rows first.

    """
    application = change.after if change.role == "contract" else change.before
    targets = change.relations(application)
    subject = prepared(change, asker, targets[:LONGEST], filled=filled)
    passage = passed(change, subject, runner, asker)
    return replace(passage, unprobed=tuple(targets[LONGEST:]), role=change.role)


@dataclass(frozen=True, slots=True)
class Subject:
    """What is asked at each point, and the tables that the application has privileges on."""

    probes: tuple[Probe, ...]
    settings: Mapping[str, str]
    granted: tuple[Address, ...]
    empty: tuple[Address, ...]
    roles: tuple[str, ...]


def prepared(
    change: Change, asker: Connection, targets: Sequence[Address], *, filled: bool
) -> Subject:
    """Create the role and the rows, and return the statements to try."""
    application = change.after if change.role == "contract" else change.before
    before = Rows(Relations(change.before), Values(change.before))
    rows = Rows(Relations(application), Values(application))
    existing = change.relations(change.before)[:LONGEST]
    relations = [rows.relation(address) for address in targets]
    roles = _roles(change, asker, relations, existing)
    tables = before.order(existing) if filled else []
    empty = _filled(asker, before, tables)
    spares = _spares(change, asker, rows, relations)
    statements = [
        each
        for relation in relations
        for each in probes(
            relation,
            spares[relation.address],
            _shared(change, relation.address),
            roles,
            real=change.real,
        )
    ]
    return Subject(
        tuple(statements),
        settings(relations, spares),
        tuple(existing) if ROLE in roles and not change.real else (),
        tuple(address for address in empty if address in existing),
        tuple(roles),
    )


def _roles(
    change: Change,
    asker: Connection,
    relations: Iterable[Relation],
    existing: Sequence[Address],
) -> list[str]:
    """Return the roles to probe as, with the privileges of an application.

    Where the catalog has no privileges at all, somebody else grants them, and the roles that
    policies name get those of an application as well.
    """
    named = [role for relation in relations for role in relation.roles]
    roles = asking.roles(asker, named, create=change.create_role)
    if change.real:
        return roles
    managed = any(True for _ in change.before.every(Grant))
    for role in roles:
        if role == ROLE or not managed:
            asking.grant(asker, role, existing)
    return roles


def _filled(asker: Connection, rows: Rows, tables: Sequence[Address]) -> list[Address]:
    """Put rows into tables, parents first, and return those that are still empty."""
    attempts = [(_inserts(rows, table, number), True) for table in tables for number in ROWS]
    chosen = asking.try_rows(asker, attempts) if attempts else []
    count = len(ROWS)
    return [
        table
        for number, table in enumerate(tables)
        if all(choice is None for choice, _ in chosen[number * count : (number + 1) * count])
    ]


def _inserts(rows: Rows, table: Address, number: int) -> list[str]:
    relation = rows.relation(table)
    return [insert(relation, row, overriding=True) for row in rows.candidates(table, number)]


def _spares(
    change: Change, asker: Connection, rows: Rows, relations: Sequence[Relation]
) -> dict[Address, Spares]:
    """Return rows that an application could insert into each relation, tried and rolled back."""
    tables = [relation for relation in relations if relation.is_table]
    pairs = [(table, number) for table in tables for number in (SPARE, OTHER)]
    candidates = [rows.candidates(table.address, number) for table, number in pairs]
    if change.real:
        samples = {table.address: _sample(change, asker, table) for table in tables}
        for (table, number), choices in zip(pairs, candidates, strict=True):
            choices[:0] = rows.like(table.address, samples[table.address], number)
    attempts = [
        ([insert(table, written(table, row)) for row in choices], False)
        for (table, _), choices in zip(pairs, candidates, strict=True)
    ]
    chosen = [choice for choice, _ in asking.try_rows(asker, attempts)] if attempts else []
    best: list[Row] = [
        choices[choice or 0] if choices else {}
        for choices, choice in zip(candidates, chosen, strict=True)
    ]
    spares = {
        table.address: Spares(best[2 * number], best[2 * number + 1])
        for number, table in enumerate(tables)
    }
    by_name = {
        name: text
        for table in tables
        for name, text in written(table, spares[table.address].own).items()
    }
    for view in relations:
        if not view.is_table:
            row = {each.name: by_name.get(each.name) for each in view.fields}
            own = {name: text for name, text in row.items() if text is not None}
            spares[view.address] = Spares(own, own)
    return spares


def _sample(change: Change, asker: Connection, table: Relation) -> Row:
    """Return a row of the environment, as far as its table has the application's columns yet."""
    if table.address not in change.before.objects:
        return {}
    existing = {each.name for each in Relations(change.before).of(table.address).fields}
    names = [each.name for each in table.fields if each.name in existing]
    return asking.sample(asker, table.name, names)


def _shared(change: Change, address: Address) -> list[str]:
    """Return the names of the columns that a relation has before and after the change."""
    names: list[set[str]] = []
    for catalog in (change.before, change.after):
        if address in catalog.objects:
            fields = Relations(catalog).of(address).fields
            names.append({each.name for each in fields})
    return sorted(set.intersection(*names)) if names else []


def passed(change: Change, subject: Subject, runner: Connection, asker: Connection) -> Passage:
    """Run the revision, and probe before it, at every commit, and after it."""
    points: list[Point] = []

    def ask(statements: Sequence[tuple[str, str | None]], *, whole: bool = False) -> Point:
        wrong = change.wrong if whole else {}
        outcomes = asking.ask(asker, subject.probes, subject.settings, wrong, real=change.real)
        return Point(tuple(statements), tuple(outcomes))

    def committed(statements: Sequence[tuple[str, str | None]]) -> None:
        if statements:  # else only the version row was written, after an autocommit block
            points.append(ask(statements))

    points.append(ask([], whole=change.role == "contract"))
    change.run(runner, committed)
    if change.role == "expand" and change.wrong and len(points) > 1:
        points[-1] = ask(points[-1].statements, whole=True)
    lost = [_lost(address, points) for address in _without_privileges(asker, subject)]
    return Passage(
        subject.probes,
        tuple(points),
        (*gaps(subject.probes, points, change.role), *lost),
        subject.empty,
        subject.roles,
    )


def _without_privileges(asker: Connection, subject: Subject) -> list[Address]:
    """Return the relations that exist on, but on which the role has lost its privileges."""
    if not subject.granted:
        return []
    by_name = {qualified(each.schema, each.name): each for each in subject.granted}
    names = ", ".join(map(literal, by_name))
    query = (
        f"SELECT name FROM unnest(ARRAY[{names}]) AS name WHERE to_regclass(name) IS NOT NULL "
        f"AND NOT has_table_privilege('{ROLE}', to_regclass(name), 'SELECT')"
    )
    return [by_name[str(row[0])] for row in asker.execute(query.encode()).fetchall()]


def _lost(address: Address, points: Sequence[Point]) -> Gap:
    statements = [each for point in points for each in point.statements]
    naming = [each for each in statements if address.name in each[0]]
    text, where = (naming or statements)[0]
    end = len(points) - 1
    return Gap("privileges", address, (), (ROLE,), "", end, end, text, None, where)
