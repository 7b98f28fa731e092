"""Rules about functions whose results are stored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from limbeck.lint.rules.change import Change
from limbeck.lint.rules.hazard import Finding, Rule
from limbeck.lint.trace.facts import Facts
from limbeck.lint.trace.stored import Stored
from limbeck.schema.catalog.objects.address import Address


def _replace_function_stored(change: Change) -> Iterator[Finding]:
    """Find what keeps the results of a former body to the end of the revision, by table."""
    by_table: dict[tuple[int | None, str], list[Stored]] = defaultdict(list)
    for stored in change.statement.stored:
        table = _oid(change.after, stored.table) if stored.table else None
        in_use = _in_use(change, table) if table is not None else _used(change, stored.address)
        if in_use and not _rebuilt(change, stored, table):
            case = "partitions" if stored.address.kind == "table" else ""
            by_table[table, case].append(stored)
    for (table, case), parts in by_table.items():
        values = {
            "functions": ", ".join(
                dict.fromkeys(name for part in parts for name in part.functions)
            ),
            "parts": ", ".join(map(str, parts)),
        }
        yield Finding(table, values, case)


def _in_use(change: Change, table: int) -> bool:
    return change.exists(table) and not change.is_empty(table)


def _rebuilt(change: Change, stored: Stored, table: int | None) -> bool:
    """Return whether a part has other contents, or is gone, at the end of the revision."""
    after, end = change.after, change.end
    if stored.address.kind == "table":
        return table not in end.relations
    if stored.address.kind == "column" and table is not None and _written(change, table):
        return True
    return not (_marks(after, stored, table) & _marks(end, stored, table))


def _marks(facts: Facts, stored: Stored, table: int | None) -> set[tuple[int, int]]:
    """Return what identifies the contents of a part: the files of an index or a table, its oid."""
    kind, schema, name, part = stored.address
    if kind == "column":
        return {
            (each.oid, each.file)
            for each in facts.relations.values()
            if each.oid == table or _below(facts, each.oid, table)
        }
    if kind == "index":
        return {
            (each.oid, each.file)
            for each in facts.relations.values()
            if (each.schema, each.name, each.kind) == (schema, name, "i")
        }
    return {
        (each.oid, facts.relations[each.index].file if each.kind in "pux" else 0)
        for each in facts.constraints.values()
        if each.name == part
        and (each.table == table if table else _domain(facts, each.domain) == (schema, name))
    }


def _domain(facts: Facts, oid: int) -> tuple[str, str] | None:
    type_ = facts.types.get(oid)
    return (type_.schema, type_.name) if type_ else None


def _below(facts: Facts, oid: int, table: int | None) -> bool:
    """Return whether a relation is a partition of a table, at any depth."""
    relation = facts.relations.get(oid)
    parent = relation.parent if relation else None
    return parent is not None and (parent == table or _below(facts, parent, table))


def _written(change: Change, table: int) -> bool:
    """Return whether a later statement updates rows, which computes what is stored in them."""
    return any(
        (activity := each.activity.get(table)) and activity.updated
        for each in change.trace.statements[change.place + 1 :]
    )


def _oid(facts: Facts, table: Address) -> int | None:
    named = (
        each.oid
        for each in facts.relations.values()
        if (each.schema, each.name) == (table.schema, table.name)
    )
    return next(named, None)


def _used(change: Change, domain: Address) -> bool:
    """Return whether an existing table has a column of a domain."""
    return any(
        _in_use(change, column.table)
        and _domain(change.after, column.type_oid) == (domain.schema, domain.name)
        for column in change.after.columns.values()
    )


RULES = (Rule("replace-function-stored", _replace_function_stored),)
