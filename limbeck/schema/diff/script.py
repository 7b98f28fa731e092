"""Steps as one SQL script for psql: `limbeck diff --sql`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from limbeck.schema.diff.steps import Step


def script(steps: Iterable[Step]) -> str:
    """Return the SQL of steps, in transactions where Postgres allows one; "" without steps."""
    return "\n".join(_block(group) for group in transactions(steps))


def transactions(steps: Iterable[Step]) -> Iterator[list[Step]]:
    """Yield the steps of each transaction, and between them the steps outside of any."""
    for _, group in groupby(steps, key=lambda step: step.outside):
        block: list[Step] = []
        for step in group:
            if step.begins and block:
                yield block
                block = []
            block.append(step)
        yield block


def _block(steps: list[Step]) -> str:
    text = "\n".join(line for step in steps for line in _lines(step))
    if steps[0].outside:
        return f"{text}\n"
    # A body may name an object that a later step creates, or one that is gone already.
    functions = any(step.address.kind == "function" for step in steps)
    checks = "SET LOCAL check_function_bodies = off;\n" if functions else ""
    return f"BEGIN;\n{checks}{text}\nCOMMIT;\n"


def _lines(step: Step) -> Iterator[str]:
    if step.loses:
        yield f"-- loses {_comment(step.loses)}"
    if step.note:
        yield f"-- {_comment(step.note)}"
    yield f"{step.sql};"


def _comment(text: str) -> str:
    return " ".join(text.split())
