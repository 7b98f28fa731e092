"""Objects of a catalog as calls of limbeck.entities."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from limbeck.models.source.text import Argument, Source, call, literal, literals
from limbeck.schema.catalog.names import quote
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.object import Object
from limbeck.schema.catalog.objects.routines import Function
from limbeck.schema.catalog.objects.schemas import Extension, Schema
from limbeck.schema.catalog.objects.sequences import Sequence, SequenceOptions
from limbeck.schema.catalog.objects.statistics import Statistics
from limbeck.schema.catalog.objects.triggers import Policy, Rule, Trigger
from limbeck.schema.catalog.objects.types import Composite, Domain
from limbeck.schema.catalog.objects.views import View
from limbeck.schema.sql import quoting

if TYPE_CHECKING:
    from limbeck.schema.diff.steps import Step

_METADATA = "metadata=Base.metadata"
_LARGEST = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}

_TRAILING = re.compile(r"[ \t\f\v]$", re.MULTILINE)


def expression(found: Object, *, before_tables: bool) -> Source | None:
    """Return the declaration of an object, None where no entity says all of it."""
    make = _MAKERS.get(type(found))
    made = make(found) if make else None
    if made is None:
        return None
    name, usually, arguments = made
    given = [*arguments, _METADATA]
    schema = found.address.schema
    if schema not in {"", "public"} and not isinstance(found, (Trigger, Rule, Policy)):
        given.append(f"schema={literal(schema)}")
    if isinstance(found, Extension) and found.schema not in {"public", "pg_catalog"}:
        given.append(f"schema={literal(found.schema)}")
    comment = getattr(found, "comment", None)
    if comment is not None:
        given.append(f"comment={sql_literal(comment)}")
    if usually != before_tables:
        given.append(f"before_tables={before_tables}")
    return _entity(name, given)


def statement(step: Step, *, before_tables: bool) -> Source:
    """Return a Statement that does what a step does."""
    given = [sql_literal(step.sql), _METADATA]
    condition = _unless(step)
    if condition:
        given.append(f"unless={literal(condition)}")
    if before_tables:
        given.append("before_tables=True")
    return _entity("Statement", given)


def sql_literal(text: str) -> str:
    """Return a string literal; SQL of several lines keeps them."""
    if "\n" not in text:
        return literal(text)
    if '"""' in text or text.endswith(('"', "\\")) or "\r" in text or _TRAILING.search(text):
        # A blank at the end of a line would be lost in many an editor.
        lines = "\n".join(literal(line) for line in text.splitlines(keepends=True))
        return f"(\n{lines}\n)"
    prefix = "r" if "\\" in text else ""
    return f'{prefix}"""{text}"""'


def _entity(name: str, arguments: list[str]) -> Source:
    given: list[Argument] = [*arguments]
    return call(name, given, f"from limbeck.entities import {name}", "base:Base")


_Made = tuple[str, bool, list[str]]


def _schema(found: Schema) -> _Made | None:
    return "Schema", True, [literal(found.name)]


def _extension(found: Extension) -> _Made | None:
    return "Extension", True, [literal(found.name)]


def _domain(found: Domain) -> _Made | None:
    usual = found.not_null_name in {None, f"{found.name}_not_null"}
    checks = {}
    for check in found.checks:
        body = check.definition.removeprefix("CHECK (").removesuffix(")")
        if f"CHECK ({body})" != check.definition or check.comment is not None:
            return None
        checks[check.name] = body
    if not usual:
        return None
    given = [literal(found.name), literal(found.type)]
    if found.collation:
        given.append(f"collation={literal(found.collation)}")
    if found.default is not None:
        given.append(f"default={literal(found.default)}")
    if found.not_null:
        given.append("not_null=True")
    if checks:
        pairs = (f"{literal(name)}: {sql_literal(body)}" for name, body in checks.items())
        given.append(f"checks={{{', '.join(pairs)}}}")
    return "Domain", True, given


def _composite(found: Composite) -> _Made | None:
    if any(one.comment is not None for one in found.attributes):
        return None
    pairs = []
    for one in found.attributes:
        collated = f" COLLATE {one.collation}" if one.collation else ""
        pairs.append(f"{literal(one.name)}: {literal(one.type + collated)}")
    return "Composite", True, [literal(found.name), f"{{{', '.join(pairs)}}}"]


def _sequence(found: Sequence) -> _Made | None:
    given = [literal(found.name), *(literal(words) for words in sequence_words(found.options))]
    if found.owned_by:
        table = _dotted(found.owned_by, near=found.schema)
        given.append(f"owned_by=({literal(table)}, {literal(found.owned_by.part)})")
    if found.unlogged:
        given.append("unlogged=True")
    return "Sequence", True, given


def sequence_words(options: SequenceOptions) -> Iterator[str]:
    """Yield what follows the name in CREATE SEQUENCE, without what is usual."""
    largest = _LARGEST[options.type]
    rising = options.increment > 0
    usual = (1, largest) if rising else (-largest - 1, -1)
    if options.type != "bigint":
        yield f"AS {options.type}"
    if options.increment != 1:
        yield f"INCREMENT BY {options.increment}"
    if options.minimum != usual[0]:
        yield f"MINVALUE {options.minimum}"
    if options.maximum != usual[1]:
        yield f"MAXVALUE {options.maximum}"
    if options.start != (options.minimum if rising else options.maximum):
        yield f"START WITH {options.start}"
    if options.cache != 1:
        yield f"CACHE {options.cache}"
    if options.cycle:
        yield "CYCLE"


def _view(found: View) -> _Made | None:
    if any(column.default is not None for column in found.columns) or found.access_method:
        return None
    pairs = [option.split("=", 1) for option in found.options]
    if any(not option[-1].replace("_", "").isalnum() for option in pairs):
        return None
    given = [literal(found.name), sql_literal(found.definition.strip())]
    if pairs:
        options = ", ".join(f"{literal(key)}: {literal(value)}" for key, value in pairs)
        given.append(f"options={{{options}}}")
    comments = {one.name: one.comment for one in found.columns if one.comment is not None}
    if comments:
        said = ", ".join(f"{literal(name)}: {sql_literal(text)}" for name, text in comments.items())
        given.append(f"comments={{{said}}}")
    if found.materialized and not found.populated:
        given.append("with_data=False")
    return "MaterializedView" if found.materialized else "View", False, given


def _function(found: Function) -> _Made | None:
    name = {"p": "Procedure", "a": "Aggregate"}.get(found.kind, "Function")
    return name, True, [literal(found.identity), sql_literal(found.definition.strip())]


def _trigger(found: Trigger) -> _Made | None:
    given = [literal(found.name), literal(_dotted(found.address)), sql_literal(found.definition)]
    given += [f"enabled={literal(found.enabled)}"] if found.enabled != "O" else []
    return None if found.inherited else ("Trigger", False, given)


def _rule(found: Rule) -> _Made | None:
    given = [literal(found.name), literal(_dotted(found.address)), sql_literal(found.definition)]
    given += [f"enabled={literal(found.enabled)}"] if found.enabled != "O" else []
    return "Rule", False, given


def _policy(found: Policy) -> _Made | None:
    given = [literal(found.name), literal(_dotted(found.address))]
    given += [f"command={literal(found.command)}"] if found.command != "ALL" else []
    given += [f"using={sql_literal(found.using)}"] if found.using is not None else []
    given += [f"check={sql_literal(found.check)}"] if found.check is not None else []
    given += [f"roles={literals(found.roles)}"] if found.roles != ("public",) else []
    given += [] if found.permissive else ["permissive=False"]
    return "Policy", False, given


def _statistics(found: Statistics) -> _Made | None:
    if found.target is not None:
        return None
    return "Statistics", False, [literal(found.name), literal(found.definition)]


_MAKERS: dict[type[Any], Callable[[Any], _Made | None]] = {
    Schema: _schema,
    Extension: _extension,
    Domain: _domain,
    Composite: _composite,
    Sequence: _sequence,
    View: _view,
    Function: _function,
    Trigger: _trigger,
    Rule: _rule,
    Policy: _policy,
    Statistics: _statistics,
}


def _dotted(address: Address, near: str = "public") -> str:
    name = quote(address.name)
    plain = address.schema in {"public", near} and near == "public"
    return name if plain else f"{quote(address.schema)}.{name}"


def _unless(step: Step) -> str | None:
    address = step.address
    if step.verb != "create":
        return None
    name = quoting.literal(f"{quote(address.schema)}.{quote(address.name)}")
    if address.kind in {"table", "index", "view", "sequence"}:
        return f"to_regclass({name}) IS NOT NULL"
    if address.kind in {"domain", "composite", "range", "enum"}:
        return f"to_regtype({name}) IS NOT NULL"
    if address.kind == "constraint":
        part = quoting.literal(address.part)
        condition = f"conrelid = to_regclass({name}) AND conname = {part}"
        return f"EXISTS (SELECT FROM pg_constraint WHERE {condition})"
    return None
