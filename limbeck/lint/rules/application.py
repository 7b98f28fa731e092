"""Rules about the application that still runs: changes that its queries fail on."""

from __future__ import annotations

from collections.abc import Iterator

from limbeck.lint.rules.change import Change
from limbeck.lint.rules.hazard import Finding, Rule
from limbeck.lint.rules.simple import altered_columns, failures
from limbeck.lint.trace.facts import Column, Facts


def _add_required_column(change: Change) -> Iterator[Finding]:
    refused = change.trace.refused
    failure = refused.failure if refused and refused.text == change.statement.text else None
    if failure and failure.sqlstate == "23502" and failure.column:  # not_null_violation
        # Nothing was added, so only the name of the table is known.
        known = change.before.relations.values()
        table = next((each.oid for each in known if each.name == failure.table), None)
        yield Finding(table, {"own": failure.table or "", "name": failure.column})
        return
    for column in change.added_columns():
        end = change.end.columns.get((column.table, column.number))
        if end and end.not_null and not (end.has_default or end.identity or end.generated):
            yield Finding(column.table, {"own": change.name(column.table), "name": column.name})


def _cached_plan_invalidated(change: Change) -> Iterator[Finding]:
    for was, now in change.altered_columns():
        if was.type != now.type:
            yield Finding(now.table, {"now": now}, "type", "warning")
    columns = (*change.added_columns(), *change.dropped_columns())
    for table in sorted({column.table for column in columns}):
        yield Finding(table)


def _changes_default(_: Change, was: Column, now: Column) -> bool:
    plain = not (was.generated or now.generated) and was.type == now.type
    return plain and was.default != now.default and now.default is not None


def _tighten_constraint_on_writes(change: Change) -> Iterator[Finding]:
    known = {(old.table, old.name) for old, _ in change.constraints.values() if old}
    for new in change.added_constraints("cfux"):
        stays = new.oid in change.end.constraints
        if stays and (new.table, new.name) not in known and not change.inline(new):
            definition = new.definition.removesuffix(" NOT VALID")
            yield Finding(new.table, {"constraint": new, "definition": definition})


def _publication_without_identity(change: Change) -> Iterator[Finding]:
    for table in sorted(_mute(change, after=True) - _mute(change, after=False)):
        if change.exists(table):
            yield Finding(table)


def _mute(change: Change, *, after: bool) -> set[int]:
    """Return the published tables whose rows replication cannot identify."""
    facts = change.after if after else change.before
    return {
        oid
        for oid in _touched(change)
        # relreplident: d is the primary key, n is nothing.
        if (table := facts.relations.get(oid))
        and any(kind == "published" for kind, *_ in facts.others.group(oid))
        and table.identity in ("n" if _is_keyed(facts, oid) else "dn")
    }


def _touched(change: Change) -> set[int]:
    """Return the tables that the statement has changed, published or got other indexes."""
    indexes = change.after.indexes.since(change.before.indexes).values()
    changed = [*indexes, *change.others.values()]
    tables = {each.table for pair in changed for each in pair if each}
    return tables | change.statement.relations().keys()


def _is_keyed(facts: Facts, table: int) -> bool:
    return any(facts.indexes[oid].primary for oid in facts.indexes.group(table))


def _enum_remove_value(change: Change) -> Iterator[Finding]:
    for was, now in change.altered_columns():
        old = change.before.types.get(was.type_oid)
        new = change.after.types.get(now.type_oid)
        if old and new and old.oid != new.oid:
            stays = {text for _, text in new.labels}
            if lacking := [text for _, text in old.labels if text not in stays]:
                yield Finding(now.table, {"now": now, "values": ", ".join(lacking)})


def _extension_upgrade(change: Change) -> Iterator[Finding]:
    for was, now in change.others.values():
        if was and was.kind == "extension" and now and now.version != was.version:
            yield Finding(values={"was": was, "now": now})


RULES = (
    Rule("add-required-column", _add_required_column),
    Rule("cached-plan-invalidated", _cached_plan_invalidated),
    Rule("change-default-partial-insert", altered_columns(_changes_default)),
    Rule("tighten-constraint-on-writes", _tighten_constraint_on_writes),
    Rule(
        "type-used-by-view",
        failures(
            lambda failure: (
                failure.sqlstate in {"0A000", "2BP01"}
                and ("view" in failure.message or "depend" in failure.message)
            )
        ),
    ),
    Rule("publication-without-identity", _publication_without_identity),
    Rule("enum-remove-value", _enum_remove_value),
    Rule("extension-upgrade", _extension_upgrade),
)
