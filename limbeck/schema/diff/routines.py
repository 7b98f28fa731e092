"""Functions, procedures and aggregates."""

from __future__ import annotations

import re

from limbeck.schema.catalog.objects.routines import Function
from limbeck.schema.diff import statements
from limbeck.schema.diff.operations import CreateFunction
from limbeck.schema.diff.situation import Alteration, Members, Situation
from limbeck.schema.diff.steps import Step
from limbeck.schema.sql.lexer import tokens


def create(function: Function, _members: Members, _situation: Situation) -> list[Step]:
    """Create a function."""
    text = re.sub(r"^CREATE OR REPLACE ", "CREATE ", function.definition)
    return [Step(CreateFunction(text, "create", function.address)), *statements.comment(function)]


def alter(before: Function, after: Function, _situation: Situation) -> Alteration | None:
    """Replace a function in place if Postgres allows it; its callers then stay."""
    steps: list[Step] = []
    if before.definition != after.definition:
        if after.kind == "a" or not replaceable(before, after):
            return None
        text = re.sub(r"^CREATE (?!OR REPLACE)", "CREATE OR REPLACE ", after.definition)
        steps.append(Step(CreateFunction(text, "alter", after.address)))
    return Alteration((*steps, *statements.comment(after, before.comment)))


def replaceable(before: Function, after: Function) -> bool:
    """Return whether CREATE OR REPLACE is allowed: same result and names, no default removed."""
    if (before.kind, before.result) != (after.kind, after.result):
        return False
    old, new = _arguments(before.arguments), _arguments(after.arguments)
    if len(old) != len(new):
        return False
    return all(_fits(*pair) for pair in zip(old, new, strict=True))


def _fits(before: tuple[str, bool], after: tuple[str, bool]) -> bool:
    named = before[0] == after[0] or after[0].endswith(f" {before[0]}")
    return named and (after[1] or not before[1])


def _arguments(text: str) -> list[tuple[str, bool]]:
    """Return each argument of pg_get_function_arguments(), and whether it is optional."""
    arguments, depth, start = list[str](), 0, 0
    for _, sign, place in tokens(text):
        depth += (sign in {"(", "["}) - (sign in {")", "]"})
        if sign == "," and not depth:
            arguments.append(text[start:place])
            start = place + 1
    arguments.append(text[start:])
    pairs = (argument.strip().partition(" DEFAULT ") for argument in arguments)
    return [(name, bool(default)) for name, default, _ in pairs]
