"""Objects beside tables as calls of limbeck.entities, for pulled models."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from limbeck.models.source.text import Argument, Source, call, literal, literals
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.routines import Function
from limbeck.schema.catalog.objects.schemas import Extension, Schema
from limbeck.schema.catalog.objects.sequences import Sequence, SequenceOptions
from limbeck.schema.catalog.objects.statistics import Statistics
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.objects.triggers import Policy, Rule, Trigger
from limbeck.schema.catalog.objects.types import Composite, Domain, Range
from limbeck.schema.catalog.objects.views import View
from limbeck.schema.sql.quoting import qualified, quote
from limbeck.visible import visible

METADATA = "metadata=Base.metadata"
_LARGEST = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}

_TRAILING = re.compile(r"[ \t\f\v]$", re.MULTILINE)


def sql_literal(text: str) -> str:
    """Return a string literal; SQL of several lines keeps its lines."""
    if "\n" not in text:
        return literal(text)
    if '"""' in text or text.endswith(('"', "\\")) or _is_treacherous(text):
        lines = "\n".join(literal(line) for line in text.splitlines(keepends=True))
        return f"(\n{lines}\n)"
    prefix = "r" if "\\" in text else ""
    return f'{prefix}"""{text}"""'


def _is_treacherous(text: str) -> bool:
    """Return whether a text in an editor is another one: control characters, blanks at ends."""
    # Many editors remove blanks at the end of a line.
    return visible(text) != text or _TRAILING.search(text) is not None


def entity(name: str, arguments: list[str]) -> Source:
    """Return the call of an entity."""
    given: list[Argument] = [*arguments]
    return call(name, given, f"from limbeck.entities import {name}", "base:Base")


# Name of the entity, whether it usually precedes the tables, arguments.
_Call = tuple[str, bool, list[str]]


def _schema(schema: Schema) -> _Call | None:
    return "Schema", True, [literal(schema.name)]


def _extension(extension: Extension) -> _Call | None:
    return "Extension", True, [literal(extension.name)]


def _domain(domain: Domain) -> _Call | None:
    usual = domain.not_null_name in {None, f"{domain.name}_not_null"}
    checks = {}
    for check in domain.checks:
        body = check.definition.removeprefix("CHECK (").removesuffix(")")
        if f"CHECK ({body})" != check.definition:
            return None
        checks[check.name] = body
    if not usual:
        return None
    given = [literal(domain.name), literal(domain.type)]
    if domain.collation:
        given.append(f"collation={literal(domain.collation)}")
    if domain.default is not None:
        given.append(f"default={literal(domain.default)}")
    if domain.not_null:
        given.append("not_null=True")
    if checks:
        pairs = (f"{literal(name)}: {sql_literal(body)}" for name, body in checks.items())
        given.append(f"checks={{{', '.join(pairs)}}}")
    return "Domain", True, given


def _composite(composite: Composite) -> _Call | None:
    pairs = []
    for attribute in composite.attributes:
        collated = f" COLLATE {attribute.collation}" if attribute.collation else ""
        pairs.append(f"{literal(attribute.name)}: {literal(attribute.type + collated)}")
    return "Composite", True, [literal(composite.name), f"{{{', '.join(pairs)}}}"]


def _range(range_: Range) -> _Call | None:
    name = range_.name
    usual = name.replace("range", "multirange", 1) if "range" in name else f"{name}_multirange"
    parameters = {
        "subtype_opclass": range_.subtype_opclass,
        "collation": range_.collation,
        "canonical": range_.canonical,
        "subtype_diff": range_.subtype_diff,
    }
    if range_.canonical:
        return None  # a function that needs the type, so that both are created in three steps
    if range_.multirange != qualified(range_.schema, usual):
        parameters["multirange_type_name"] = range_.multirange
    pairs = (f"{literal(key)}: {literal(value)}" for key, value in parameters.items() if value)
    given = [literal(name), literal(range_.subtype)]
    if text := ", ".join(pairs):
        given.append(f"parameters={{{text}}}")
    return "Range", True, given


def _partition(table: Table) -> _Call | None:
    if table.partition_of is None or table.partition_bound is None:
        return None
    given = [literal(table.name), literal(dotted(table.partition_of))]
    given.append(literal(table.partition_bound))
    if table.partition_key:
        given.append(f"partition_by={literal(table.partition_key)}")
    return "Partition", False, given


def _sequence(sequence: Sequence) -> _Call | None:
    given = [
        literal(sequence.name),
        *(literal(words) for words in sequence_words(sequence.options)),
    ]
    if sequence.owned_by:
        table = dotted(sequence.owned_by, near=sequence.schema)
        given.append(f"owned_by=({literal(table)}, {literal(sequence.owned_by.part)})")
    if sequence.unlogged:
        given.append("unlogged=True")
    return "Sequence", True, given


def sequence_words(options: SequenceOptions) -> Iterator[str]:
    """Yield the options of CREATE SEQUENCE that differ from the defaults."""
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


def view_call(view: View) -> _Call | None:
    """Return the call of a view, None where no entity has all of it."""
    if view.access_method:
        return None
    pairs = [option.split("=", 1) for option in view.options]
    if any(not option[-1].replace("_", "").isalnum() for option in pairs):
        return None
    given = [literal(view.name), sql_literal(view.definition.strip())]
    if pairs:
        options = ", ".join(f"{literal(key)}: {literal(value)}" for key, value in pairs)
        given.append(f"options={{{options}}}")
    comments = {
        column.name: column.comment for column in view.columns if column.comment is not None
    }
    if comments:
        texts = ", ".join(
            f"{literal(name)}: {sql_literal(text)}" for name, text in comments.items()
        )
        given.append(f"comments={{{texts}}}")
    if view.materialized and not view.populated:
        given.append("with_data=False")
    return "MaterializedView" if view.materialized else "View", False, given


def _function(function: Function) -> _Call | None:
    name = {"p": "Procedure", "a": "Aggregate"}.get(function.kind, "Function")
    return name, True, [literal(function.identity), sql_literal(function.definition.strip())]


def _trigger(trigger: Trigger) -> _Call | None:
    given = [
        literal(trigger.name),
        literal(dotted(trigger.address)),
        sql_literal(trigger.definition),
    ]
    given += [f"enabled={literal(trigger.enabled)}"] if trigger.enabled != "O" else []
    return None if trigger.inherited else ("Trigger", False, given)


def _rule(rule: Rule) -> _Call | None:
    given = [literal(rule.name), literal(dotted(rule.address)), sql_literal(rule.definition)]
    given += [f"enabled={literal(rule.enabled)}"] if rule.enabled != "O" else []
    return "Rule", False, given


def _policy(policy: Policy) -> _Call | None:
    given = [literal(policy.name), literal(dotted(policy.address))]
    given += [f"command={literal(policy.command)}"] if policy.command != "ALL" else []
    given += [f"using={sql_literal(policy.using)}"] if policy.using is not None else []
    given += [f"check={sql_literal(policy.check)}"] if policy.check is not None else []
    given += [f"roles={literals(policy.roles)}"] if policy.roles != ("public",) else []
    given += [] if policy.permissive else ["permissive=False"]
    return "Policy", False, given


def _statistics(statistics: Statistics) -> _Call | None:
    if statistics.target is not None:
        return None
    return "Statistics", False, [literal(statistics.name), literal(statistics.definition)]


MAKERS: dict[type[Any], Callable[[Any], _Call | None]] = {
    Schema: _schema,
    Extension: _extension,
    Domain: _domain,
    Composite: _composite,
    Range: _range,
    Table: _partition,
    Sequence: _sequence,
    View: view_call,
    Function: _function,
    Trigger: _trigger,
    Rule: _rule,
    Policy: _policy,
    Statistics: _statistics,
}


def dotted(address: Address, near: str = "public") -> str:
    """Return the name of a table, with its schema unless that is public."""
    name = quote(address.name)
    plain = address.schema in {"public", near} and near == "public"
    return name if plain else f"{quote(address.schema)}.{name}"
