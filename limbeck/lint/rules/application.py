"""What the application that runs meanwhile, still the old one, trips over."""

from __future__ import annotations

from collections.abc import Iterator

from limbeck.lint.rules.change import Change
from limbeck.lint.rules.hazard import Finding, rule


@rule("add-required-column", "blocking")
def add_required_column(change: Change) -> Iterator[Finding]:
    """A column that must have a value, and has no default: rows there and old INSERTs fail."""
    refused = change.trace.refused
    if refused and refused.text == change.statement.text and refused.failure:
        failure = refused.failure
        if failure.sqlstate == "23502" and failure.column:
            yield _required(change, failure.table or "", failure.column, None)
            return
    for column in change.added_columns():
        end = change.end.columns.get((column.table, column.number))
        needed = end and end.not_null and not (end.has_default or end.identity or end.generated)
        if needed:
            yield _required(change, change.name(column.table), column.name, column.table)


def _required(change: Change, table: str, column: str, oid: int | None) -> Finding:
    found = (one.oid for one in change.before.relations.values() if one.name == table)
    return Finding(
        oid or next(found, None),
        f"{table}.{column} is NOT NULL without a default: it cannot be added where there are "
        "rows, and INSERTs of the application that still runs fail",
        f"Let {column} be nullable, or keep a server_default until the old application is gone; "
        "then NOT NULL as in set-not-null.",
    )


@rule("cached-plan-invalidated", "note")
def cached_plan_invalidated(change: Change) -> Iterator[Finding]:
    """A prepared statement fails once when the type of its result has changed."""
    said = "sessions that have prepared it fail once: cached plan must not change result type"
    recipe = "Name columns instead of SELECT *; let the pools reconnect after the step."
    for was, now in change.altered_columns():
        if was.type != now.type:
            yield Finding(
                now.table,
                f"a query that returns {change.name(now.table)}.{now.name} has another type "
                f"({now.type}): {said}",
                recipe,
                "warning",
            )
    tables = {column.table for column in change.added_columns()}
    tables |= {column.table for column in change.dropped_columns()}
    for table in sorted(tables):
        yield Finding(
            table, f"SELECT * FROM {change.name(table)} has other columns: {said}", recipe
        )


@rule("change-default-partial-insert", "note")
def change_default_partial_insert(change: Change) -> Iterator[Finding]:
    """Another default: rows that the running application leaves it out of get the new one."""
    for was, now in change.altered_columns():
        plain = not (was.generated or now.generated) and was.type == now.type
        if plain and was.default != now.default and now.default is not None:
            yield Finding(
                now.table,
                f"rows that the running application inserts without {now.name} get {now.default} "
                "from now on",
                "Deploy an application first that gives the value itself, or that can live with "
                "both.",
            )


@rule("tighten-constraint-on-writes", "note")
def tighten_constraint_on_writes(change: Change) -> Iterator[Finding]:
    """A new constraint, NOT VALID too, refuses what the running application writes at once."""
    known = {(one.table, one.name) for one in change.before.constraints.values()}
    for one in change.added_constraints("cfux"):
        stays = one.oid in change.end.constraints
        if stays and (one.table, one.name) not in known and not change.inline(one):
            yield Finding(
                one.table,
                f"writes that break {one.name} ({one.definition.removesuffix(' NOT VALID')}) are "
                "refused from now on",
                "Deploy an application first that satisfies it.",
            )


@rule("type-used-by-view", "blocking")
def type_used_by_view(change: Change) -> Iterator[Finding]:
    """The type of a column that a view or a rule uses cannot be changed, nor the column dropped."""
    failure = change.statement.failure
    altering = failure and failure.sqlstate in {"0A000", "2BP01"}
    if altering and failure and ("view" in failure.message or "depend" in failure.message):
        yield Finding(
            None,
            f"it fails: {failure.message}",
            "Drop the view before and create it again after, in the same revision; or work with "
            "a new column.",
        )


@rule("publication-without-identity", "blocking")
def publication_without_identity(change: Change) -> Iterator[Finding]:
    """A published table that has no replica identity refuses UPDATE and DELETE at once."""
    for table in sorted(_mute(change, after=True) - _mute(change, after=False)):
        if change.exists(table):
            yield Finding(
                table,
                f"{change.name(table)} is published and has neither a primary key nor a replica "
                "identity: its UPDATEs and DELETEs fail from now on",
                f"First a primary key, or ALTER TABLE {change.name(table)} REPLICA IDENTITY FULL.",
            )


def _mute(change: Change, *, after: bool) -> set[int]:
    facts = change.after if after else change.before
    published = {one.table for one in facts.others.values() if one.kind == "published"}
    keyed = {one.table for one in facts.indexes.values() if one.primary}
    return {
        oid
        for oid in published & facts.relations.keys()
        if facts.relations[oid].identity in ("dn" if oid not in keyed else "n")
    }


@rule("enum-remove-value", "warning")
def enum_remove_value(change: Change) -> Iterator[Finding]:
    """A column moves to an enum that lacks values of the old one."""
    for was, now in change.altered_columns():
        old = change.before.types.get(was.type_oid)
        new = change.after.types.get(now.type_oid)
        if old and new and old.oid != new.oid:
            lacking = dict.fromkeys(text for _, text in old.labels)
            for _, text in new.labels:
                lacking.pop(text, None)
            if lacking:
                yield Finding(
                    now.table,
                    f"{change.name(now.table)}.{now.name} cannot hold {', '.join(lacking)} any "
                    "more: rows that do make it fail, and the running application may write it",
                    "Change the rows first, and deploy an application that does not write it.",
                )


@rule("extension-upgrade", "warning")
def extension_upgrade(change: Change) -> Iterator[Finding]:
    """An extension's new version runs a script that nobody here has seen."""
    for key, was in change.before.others.items():
        now = change.after.others.get(key)
        if was.kind == "extension" and now and now.version != was.version:
            yield Finding(
                None,
                f"{was.name} goes from {was.version} to {now.version} by the extension's own "
                "script, which may lock or rewrite",
                "Try it on a branch of production first.",
            )
