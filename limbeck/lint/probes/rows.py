"""INSERT statements for rows that the constraints of a table accept: several ways for each row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from typing import TypeAlias

from limbeck.dataclass import dataclass
from limbeck.lint.probes.relation import Field, Relation, Relations
from limbeck.lint.probes.values import Values, constants, number_of
from limbeck.postgres.embedded.cluster import PROBE_USER
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.sql.lexer import identifiers
from limbeck.schema.sql.quoting import literal, quote

Row: TypeAlias = Mapping[str, str | None]
"""The columns that an INSERT names, with the texts of their values; None for NULL."""
ROWS = (1, 2, 3)
"""The numbers of the rows that a table gets."""
SPARE, OTHER = 4, 5
"""The number of the row that probes insert, and of one that policies may refuse."""
ROLE = PROBE_USER
"""The role without any privilege of its own that stands for an application."""
UNUSED = 30_000
"""Added to the keys of rows that are inserted among an environment's; it fits into a smallint."""
LONGEST = 6  # how many constants of one expression are tried


@dataclass(frozen=True)
class Rows:
    """Makes rows for the relations of a catalog, which refer to the rows of their parents."""

    relations: Relations
    values: Values
    _memo: dict[Address, Relation] = field(default_factory=dict)

    def relation(self, address: Address) -> Relation:
        """Return a table or view of the catalog."""
        if address not in self._memo:
            self._memo[address] = self.relations.of(address)
        return self._memo[address]

    def order(self, addresses: Iterable[Address]) -> list[Address]:
        """Return tables with those that their rows have to refer to, parents first."""
        ordered: dict[Address, None] = {}

        def visit(address: Address, path: frozenset[Address]) -> None:
            if address in ordered or address in path or address.kind != "table":
                return
            for parent in self.relation(address).parents:
                if parent.reference and parent.reference.table in self.relations.catalog.objects:
                    visit(parent.reference.table, path | {address})
            ordered[address] = None

        for address in addresses:
            visit(address, frozenset())
        return list(ordered)

    def candidates(self, address: Address, number: int) -> list[Row]:
        """Return rows of one number to try, the one with most values first."""
        relation = self.relation(address)
        fields = [each for each in relation.fields if not _is_generated(each)]
        plain = {each.name: self.value(address, each, number) for each in fields}
        needed = [each for each in fields if each.required or each.name in relation.primary]
        rows: list[Row] = []
        if number != OTHER:
            rows.append({**plain, **_of_policies(relation, fields, number)})
        rows += [plain, *_checked(relation, fields, plain, number)]
        rows += [{each.name: row[each.name] for each in needed} for row in rows]
        # A parent may have fewer rows than there are numbers.
        if number not in {1, 2} and relation.parents:
            first = {each.name: self.value(address, each, number, parent=1) for each in fields}
            rows += [first, {each.name: first[each.name] for each in needed}]
        unique = {tuple(sorted(row.items(), key=str)): row for row in rows}
        return [row for row in unique.values() if _is_complete(row, fields)]

    def like(self, address: Address, sample: Row, number: int) -> list[Row]:
        """Return a row like that of an environment, with keys that no row has so far."""
        relation = self.relation(address)
        linked = {name for parent in relation.parents for name in parent.columns}
        row = dict(sample)
        for column in relation.fields:
            if column.name in relation.unique - linked or column.sequence:
                row[column.name] = self.values.of(column.type, UNUSED + number)
        names = [each.name for each in relation.fields if not _is_generated(each)]
        return [{name: row[name] for name in names if name in row}] if sample else []

    def value(
        self, address: Address, column: Field, number: int, *, parent: int | None = None
    ) -> str | None:
        """Return the value of a column in a row; that of the parent's row for a foreign key."""
        for _ in range(10):  # a foreign key of a foreign key; a cycle has no end
            reference = self._reference(address, column.name)
            if reference is None or reference[0] == address:
                break
            address, column = reference
            number = min(number, 3) if parent is None else parent
        return self.values.of(column.type, number_of(column.type, column.sequence, number))

    def _reference(self, address: Address, column: str) -> tuple[Address, Field] | None:
        for parent in self.relation(address).parents:
            target = parent.reference
            if (
                target
                and column in parent.columns
                and target.table in self.relations.catalog.objects
            ):
                name = target.columns[parent.columns.index(column)]
                fields = {each.name: each for each in self.relation(target.table).fields}
                return (target.table, fields[name]) if name in fields else None
        return None


def insert(relation: Relation, row: Row, *, overriding: bool = False) -> str:
    """Return an INSERT of a row.

    Args:
        relation: the table or view.
        row: the columns to name, with their values.
        overriding: whether columns that are GENERATED ALWAYS AS IDENTITY are among them.

    """
    if not row:
        return f"INSERT INTO {relation.name} DEFAULT VALUES"
    names = ", ".join(map(quote, row))
    values = ", ".join("NULL" if text is None else literal(text) for text in row.values())
    how = "OVERRIDING SYSTEM VALUE " if overriding else ""
    return f"INSERT INTO {relation.name} ({names}) {how}VALUES ({values})"


def written(relation: Relation, row: Row) -> Row:
    """Return the part of a row that an application may name in an INSERT."""
    names = {each.name for each in relation.fields if each.written}
    return {name: text for name, text in row.items() if name in names}


def required(relation: Relation, row: Row) -> Row:
    """Return the part of a row that an application has to name in an INSERT."""
    names = {each.name for each in relation.fields if each.required and each.written}
    return {name: text for name, text in row.items() if name in names}


def _checked(relation: Relation, fields: Iterable[Field], plain: Row, number: int) -> Iterator[Row]:
    """Yield rows with constants of the CHECKs, and without a value in the columns that have one."""
    checked = [each for each in fields if each.checks and each.name not in relation.primary]
    for at in range(min(LONGEST, max((len(_choices(each)) for each in checked), default=0))):
        for place in dict.fromkeys((at + number - 1, at)):
            yield {**plain, **{each.name: _choice(each, place) for each in checked}}
    if checked:
        yield {**plain, **{each.name: None for each in checked if each.nullable}}


def _is_generated(column: Field) -> bool:
    return not column.written and not column.sequence


def _is_complete(row: Row, fields: Iterable[Field]) -> bool:
    return all(row.get(each.name) is not None for each in fields if each.required)


def _choices(column: Field) -> list[str]:
    return [text for check in column.checks for text in constants(check)]


def _choice(column: Field, at: int) -> str | None:
    choices = _choices(column)
    return choices[at % len(choices)] if choices else None


def _of_policies(relation: Relation, fields: Iterable[Field], number: int) -> Row:
    """Return values with which policies compare columns: rows of one tenant, and of others."""
    if number not in {1, SPARE}:
        return {}
    row: dict[str, str | None] = {}
    for policy in relation.policies:
        text = f"{policy.using or ''} {policy.check or ''}"
        names = set(identifiers(text))
        choices = [ROLE] if "CURRENT_USER" in names else constants(text)
        for column in fields:
            if choices and column.name in names and column.name not in relation.primary:
                row.setdefault(column.name, choices[0])
    return row
