"""Rules about renames, which break whatever still uses the old name."""

from __future__ import annotations

from collections.abc import Iterator

from limbeck.lint.rules.change import Change
from limbeck.lint.rules.hazard import Finding, Rule
from limbeck.lint.rules.simple import altered_columns

KINDS = {"v": "view", "m": "materialized view", "S": "sequence"}


def _rename_table(change: Change) -> Iterator[Finding]:
    renamed = [*change.renamed()]
    end = change.end.relations.values() if renamed else ()
    names = {(relation.schema, relation.name) for relation in end}
    for was, now in renamed:
        if was.kind in "rp" and was.schema == now.schema and (was.schema, was.name) not in names:
            yield Finding(was.oid, {"was": was, "now": now})


def _rename_schema_enum_view(change: Change) -> Iterator[Finding]:
    for kind, old, new in (*_schemas(change), *_relations(change), *_types(change)):
        yield Finding(values={"kind": kind, "old": old, "new": new})


def _schemas(change: Change) -> Iterator[tuple[str, str, str]]:
    renamed = set(_renamed_schemas(change))
    for was, now in change.others.values():
        if not (was and now and was.name != now.name):
            continue
        inside = was.kind == "function" and was.name.split(".")[0] not in renamed
        if was.kind == "schema" or inside:
            yield was.kind, was.name, now.name


def _renamed_schemas(change: Change) -> Iterator[str]:
    for was, now in change.others.values():
        if was and was.kind == "schema" and now and now.name != was.name:
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
    for was, now in change.types.values():
        if was is None or now is None:
            continue
        if now.name != was.name:
            yield "type", str(was), str(now)
        labels = dict(now.labels)
        for label, text in was.labels:
            if labels.get(label, text) != text:
                yield f"value of {was}", text, labels[label]


RULES = (
    Rule(
        "rename-column",
        altered_columns(lambda _, was, now: was.name != now.name),
    ),
    Rule("rename-table", _rename_table),
    Rule("rename-schema-enum-view", _rename_schema_enum_view),
)
