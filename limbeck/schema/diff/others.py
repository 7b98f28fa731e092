"""Schemas, extensions, extended statistics, and rarer objects known by their CREATE statement."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.definitions import Definition
from limbeck.schema.catalog.objects.schemas import Extension, Schema
from limbeck.schema.catalog.objects.statistics import Statistics
from limbeck.schema.diff import statements
from limbeck.schema.diff.operations import Execute
from limbeck.schema.diff.situation import Alteration, Members, Situation
from limbeck.schema.diff.steps import Step
from limbeck.schema.diff.targets import target
from limbeck.schema.sql.lexer import tokens
from limbeck.schema.sql.quoting import content, literal, quote, schema_and_name, unquote


def create_schema(schema: Schema, _members: Members, _situation: Situation) -> list[Step]:
    """Create a schema."""
    return schema_steps(schema)


def schema_steps(schema: Schema) -> list[Step]:
    """Return the steps that create a schema, for a rename into it as well."""
    return statements.create(schema, f"CREATE {target(schema)}")


def create_extension(item: Extension, _members: Members, _situation: Situation) -> list[Step]:
    """Create an extension."""
    text = f"CREATE {target(item)}"
    if item.schema != "pg_catalog":
        text += f" WITH SCHEMA {quote(item.schema)}"
    return statements.create(item, text)


def alter_extension(_before: Extension, after: Extension, _situation: Situation) -> Alteration:
    """Move an extension to another schema."""
    return Alteration(tuple(statements.alter(after, [f"SET SCHEMA {quote(after.schema)}"])))


def create_statistics(item: Statistics, _members: Members, _situation: Situation) -> list[Step]:
    """Create extended statistics."""
    steps = statements.create(item, item.definition)
    return [*steps, *_sampled(replace(item, target=None), item)]


def _sampled(before: Statistics, after: Statistics) -> list[Step]:
    target = -1 if after.target is None else after.target
    return statements.alter(
        after, [f"SET STATISTICS {target}"] if before.target != after.target else []
    )


def alter_statistics(
    before: Statistics, after: Statistics, _situation: Situation
) -> Alteration | None:
    """Change a target and a comment."""
    if before.definition != after.definition:
        return None
    return Alteration((*statements.comment(after, before.comment), *_sampled(before, after)))


def create_definition(item: Definition, _members: Members, _situation: Situation) -> list[Step]:
    """Create an object by its CREATE statements."""
    texts = item.create.split(";\n")
    return [
        *(Step(Execute(text, "create", item.address)) for text in texts),
        *statements.comment(item),
    ]


def drop_definition(item: Definition, situation: Situation) -> list[Step]:
    """Drop an object, and for an operator its shells."""
    steps = [Step(Execute(item.drop, "drop", item.address))]
    return steps + _shells(item, situation) if item.kind == "operator" else steps


def _shells(item: Definition, situation: Situation) -> list[Step]:
    """Drop the shell operators that CREATE OPERATOR made for its commutator and negator.

    A shell has a name and no function (OperatorShellMake() in src/backend/catalog/pg_operator.c),
    so the catalog does not list it.
    """
    sides = item.drop.rpartition(" (")[2].removesuffix(")").split(", ")
    steps = []
    for word, pair in (("COMMUTATOR", sides[::-1]), ("NEGATOR", sides)):
        for name in re.findall(rf"{word} = OPERATOR\((.+?)\)(?:,?\n)", item.create):
            schema, operator = schema_and_name(name)
            at = Address("operator", schema, f"{operator}({', '.join(pair)})")
            if at not in situation.before and at not in situation.after:
                text = f"DROP OPERATOR IF EXISTS {name} ({', '.join(pair)})"
                steps.append(Step(Execute(text, "drop", item.address)))
    return steps


def alter_definition(
    before: Definition, after: Definition, _situation: Situation
) -> Alteration | None:
    """Change the options of a server or wrapper, and the comment; replace any other object."""
    steps: list[Step] = []
    if before.create != after.create:
        texts = [_OPTIONS.sub("", item.create) for item in (before, after)]
        if before.kind not in {"server", "foreign_data_wrapper"} or texts[0] != texts[1]:
            return None
        changes = option_changes(_options(before), _options(after))
        steps += statements.alter(after, [f"OPTIONS ({changes})"])
    return Alteration((*steps, *statements.comment(after, before.comment)))


_OPTIONS = re.compile(r"\s+OPTIONS \((.*)\)$", re.DOTALL)


def _options(item: Definition) -> list[tuple[str, str]]:
    match = _OPTIONS.search(item.create)
    texts = [text for kind, text, _ in tokens(match[1]) if kind != "mark"] if match else []
    pairs = zip(texts[::2], texts[1::2], strict=True)
    return [(unquote(name), content(value)) for name, value in pairs]


def server_option_changes(before: Iterable[str], after: Iterable[str]) -> str:
    """Return the changes of "name=value" options as the inside of OPTIONS (...)."""
    old, new = (
        [(name, value) for name, _, value in (option.partition("=") for option in options)]
        for options in (before, after)
    )
    return option_changes(old, new)


def option_changes(before: list[tuple[str, str]], after: list[tuple[str, str]]) -> str:
    """Return the changes of options as the inside of OPTIONS (...).

    ADD appends, and the catalog compares options in order: where the remaining ones are not the
    first of the new list, all of them are dropped and added again.
    """
    old, new = dict(before), dict(after)
    remaining = [name for name in old if name in new]
    if list(new)[: len(remaining)] != remaining:
        remaining = []
    words = [f"DROP {quote(name)}" for name in old if name not in remaining]
    for name, value in new.items():
        if old.get(name) != value or name not in remaining:
            verb = "SET" if name in remaining else "ADD"
            words.append(f"{verb} {quote(name)} {literal(value)}")
    return ", ".join(words)
