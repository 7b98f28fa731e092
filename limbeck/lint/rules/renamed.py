"""Other names: what is renamed is gone for whoever still asks for the old name."""

from __future__ import annotations

from collections.abc import Iterator

from limbeck.lint.rules.change import Change
from limbeck.lint.rules.hazard import Finding, rule

KINDS = {"v": "view", "m": "materialized view", "S": "sequence"}


@rule("rename-column", "blocking")
def rename_column(change: Change) -> Iterator[Finding]:
    """Whoever still asks for the old name fails."""
    for was, now in change.altered_columns():
        if was.name != now.name:
            table = change.name(now.table)
            yield Finding(
                now.table,
                f"queries that name {table}.{was.name} fail from now on: it is {now.name}",
                f"Add {now.name}, keep both in step with a trigger, let the application change "
                f"over, then drop {was.name}.",
            )


@rule("rename-table", "blocking")
def rename_table(change: Change) -> Iterator[Finding]:
    """Whoever still asks for the old name fails, unless a view answers to it."""
    names = {(one.schema, one.name) for one in change.end.relations.values()}
    for was, now in change.renamed():
        if was.kind in "rp" and was.schema == now.schema and (was.schema, was.name) not in names:
            yield Finding(
                was.oid,
                f"queries that name {was} fail from now on: it is {now}",
                f"In the same revision: CREATE VIEW {was} AS SELECT * FROM {now}; drop the view "
                "when nothing uses it any more.",
            )


@rule("rename-schema-enum-view", "blocking")
def rename_schema_enum_view(change: Change) -> Iterator[Finding]:
    """A schema, a view, a sequence, a function, a type or an enum's value under another name."""
    for what, old, new in (*_schemas(change), *_relations(change), *_types(change)):
        yield Finding(
            None,
            f"whoever names the {what} {old} fails from now on: it is {new}",
            "Keep the old one and add the new one beside it; drop the old one when nobody uses it.",
        )


def _schemas(change: Change) -> Iterator[tuple[str, str, str]]:
    renamed = set(_renamed_schemas(change))
    for key, was in change.before.others.items():
        now = change.after.others.get(key)
        inside = was.kind == "function" and was.name.split(".")[0] not in renamed
        if now and now.name != was.name and (was.kind == "schema" or inside):
            yield was.kind, was.name, now.name


def _renamed_schemas(change: Change) -> Iterator[str]:
    for key, was in change.before.others.items():
        now = change.after.others.get(key)
        if was.kind == "schema" and now and now.name != was.name:
            yield was.name


def _relations(change: Change) -> Iterator[tuple[str, str, str]]:
    schemas = set(_renamed_schemas(change))
    for was, now in change.renamed():
        moved = was.schema != now.schema and was.schema not in schemas and was.kind in "rpvmS"
        if moved:
            yield KINDS.get(was.kind, "table"), f"{was.schema}.{was.name}", str(now)
        elif was.name != now.name and was.kind in KINDS:
            yield KINDS[was.kind], str(was), str(now)


def _types(change: Change) -> Iterator[tuple[str, str, str]]:
    for oid, was in change.before.types.items():
        now = change.after.types.get(oid)
        if now is None or now == was:
            continue
        if now.name != was.name:
            yield "type", str(was), str(now)
        labels = dict(now.labels)
        for label, text in was.labels:
            if labels.get(label, text) != text:
                yield f"value of {was}", text, labels[label]
