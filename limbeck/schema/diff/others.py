"""Schemas, extensions, statistics, and what is known by its whole definition."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.definitions import Definition
from limbeck.schema.catalog.objects.schemas import Extension, Schema
from limbeck.schema.catalog.objects.statistics import Statistics
from limbeck.schema.diff import comments, sql
from limbeck.schema.diff.situation import Alteration, Members, Situation
from limbeck.schema.diff.steps import Step
from limbeck.schema.sql.lexer import tokens
from limbeck.schema.sql.quoting import content, unquote


def create_schema(schema: Schema, _members: Members, _situation: Situation) -> list[Step]:
    """Create a schema."""
    return schema_steps(schema)


def schema_steps(schema: Schema) -> list[Step]:
    """Create a schema, whatever else happens."""
    text = f"CREATE SCHEMA {sql.quote(schema.name)}"
    return [Step(text, "create", schema.address), *comments.on(schema)]


def drop_schema(schema: Schema, _situation: Situation) -> list[Step]:
    """Drop a schema that has become empty."""
    return [Step(f"DROP SCHEMA {sql.quote(schema.name)}", "drop", schema.address)]


def alter_schema(before: Schema, after: Schema, _situation: Situation) -> Alteration:
    """Comment on a schema."""
    return Alteration(tuple(comments.on(after, before.comment)))


def create_extension(item: Extension, _members: Members, _situation: Situation) -> list[Step]:
    """Create an extension."""
    text = f"CREATE EXTENSION {sql.quote(item.name)}"
    if item.schema != "pg_catalog":
        text += f" WITH SCHEMA {sql.quote(item.schema)}"
    return [Step(text, "create", item.address)]


def drop_extension(item: Extension, _situation: Situation) -> list[Step]:
    """Drop an extension."""
    return [Step(f"DROP EXTENSION {sql.quote(item.name)}", "drop", item.address)]


def alter_extension(_before: Extension, after: Extension, _situation: Situation) -> Alteration:
    """Move an extension to another schema."""
    text = f"ALTER EXTENSION {sql.quote(after.name)} SET SCHEMA {sql.quote(after.schema)}"
    return Alteration((Step(text, "alter", after.address),))


def create_statistics(item: Statistics, _members: Members, _situation: Situation) -> list[Step]:
    """Create extended statistics."""
    steps = [Step(item.definition, "create", item.address), *comments.on(item)]
    return [*_target(replace(item, target=None), item, steps)]


def _target(before: Statistics, after: Statistics, steps: list[Step]) -> list[Step]:
    if before.target == after.target:
        return steps
    target = -1 if after.target is None else after.target
    text = f"ALTER {comments.target(after)} SET STATISTICS {target}"
    return [*steps, Step(text, "alter", after.address)]


def drop_statistics(item: Statistics, _situation: Situation) -> list[Step]:
    """Drop extended statistics."""
    return [Step(f"DROP {comments.target(item)}", "drop", item.address)]


def alter_statistics(
    before: Statistics, after: Statistics, _situation: Situation
) -> Alteration | None:
    """Change a target and a comment."""
    if before.definition != after.definition:
        return None
    return Alteration(tuple(_target(before, after, comments.on(after, before.comment))))


def create_definition(item: Definition, _members: Members, _situation: Situation) -> list[Step]:
    """Create what is known by its definition."""
    texts = item.create.split(";\n")
    steps = [Step(text, "create", item.address) for text in texts]
    return steps + comments.on(item)


def drop_definition(item: Definition, situation: Situation) -> list[Step]:
    """Drop what is known by its definition."""
    steps = [Step(item.drop, "drop", item.address)]
    return steps + _shells(item, situation) if item.kind == "operator" else steps


def _shells(item: Definition, situation: Situation) -> list[Step]:
    """Drop the operators that one only announced: commutator and negator without a function."""
    sides = item.drop.rpartition(" (")[2].removesuffix(")").split(", ")
    steps = []
    for word, pair in (("COMMUTATOR", sides[::-1]), ("NEGATOR", sides)):
        for name in re.findall(rf"{word} = OPERATOR\((.+?)\)(?:,?\n)", item.create):
            schema, operator = sql.unquoted(name)
            at = Address("operator", schema, f"{operator}({', '.join(pair)})")
            if at not in situation.before and at not in situation.after:
                text = f"DROP OPERATOR IF EXISTS {name} ({', '.join(pair)})"
                steps.append(Step(text, "drop", item.address))
    return steps


def alter_definition(
    before: Definition, after: Definition, _situation: Situation
) -> Alteration | None:
    """Comment on what cannot be altered otherwise."""
    steps: list[Step] = []
    if before.create != after.create:
        texts = [_OPTIONS.sub("", item.create) for item in (before, after)]
        if before.kind not in {"server", "foreign_data_wrapper"} or texts[0] != texts[1]:
            return None
        changes = option_changes(_options(before), _options(after))
        text = f"ALTER {comments.target(after)} OPTIONS ({changes})"
        steps.append(Step(text, "alter", after.address))
    return Alteration((*steps, *comments.on(after, before.comment)))


_OPTIONS = re.compile(r"\s+OPTIONS \((.*)\)$", re.DOTALL)


def _options(item: Definition) -> list[tuple[str, str]]:
    match = _OPTIONS.search(item.create)
    texts = [text for kind, text, _ in tokens(match[1]) if kind != "mark"] if match else []
    pairs = zip(texts[::2], texts[1::2], strict=True)
    return [(unquote(name), content(value)) for name, value in pairs]


def server_option_changes(before: Iterable[str], after: Iterable[str]) -> str:
    """Spell the changes of what a foreign server is told ("name=value")."""
    old, new = (
        [(name, value) for name, _, value in (option.partition("=") for option in options)]
        for options in (before, after)
    )
    return option_changes(old, new)


def option_changes(before: list[tuple[str, str]], after: list[tuple[str, str]]) -> str:
    """Spell the changes of a list of options, whose order is kept."""
    old, new = dict(before), dict(after)
    kept = [name for name in old if name in new]
    if list(new)[: len(kept)] != kept:
        kept = []
    words = [f"DROP {sql.quote(name)}" for name in old if name not in kept]
    for name, value in new.items():
        if old.get(name) != value or name not in kept:
            verb = "SET" if name in kept else "ADD"
            words.append(f"{verb} {sql.quote(name)} {sql.literal(value)}")
    return ", ".join(words)
