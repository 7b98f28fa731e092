"""Schemas, extensions, statistics, and what is known by its whole definition."""

from __future__ import annotations

from dataclasses import replace

from limbeck.catalog.objects import Definition, Extension, Schema, Statistics
from limbeck.diff import comments, sql
from limbeck.diff.situation import Alteration, Members, Situation
from limbeck.diff.steps import Step


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


def drop_definition(item: Definition, _situation: Situation) -> list[Step]:
    """Drop what is known by its definition."""
    return [Step(item.drop, "drop", item.address)]


def alter_definition(
    before: Definition, after: Definition, _situation: Situation
) -> Alteration | None:
    """Comment on what cannot be altered otherwise."""
    if before.create != after.create:
        return None
    return Alteration(tuple(comments.on(after, before.comment)))
