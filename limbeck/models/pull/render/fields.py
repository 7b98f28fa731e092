"""Columns and relationships as SQLModel's fields."""

from __future__ import annotations

from collections.abc import Iterator

from limbeck.models.pull.render import columns
from limbeck.models.pull.render.models import Model, Models
from limbeck.models.pull.render.relations import Relation
from limbeck.models.source.text import Argument, Source, call, keyword, literal
from limbeck.schema.catalog.objects.columns import Column

_FIELD = "from sqlmodel import Field"
_RELATIONSHIP = "from sqlmodel import Relationship"
# Classes that no field of a model can be of, unless arbitrary types are allowed.
_UNKNOWN_TO_PYDANTIC = (
    "from sqlalchemy.dialects.postgresql",
    "from pgvector import",
    "from geoalchemy2 import",
)


def field(column: Column, model: Model, models: Models) -> Source:
    """Return the line of a class of SQLModel that declares a column."""
    annotation = columns.annotation(column, models)
    attribute = model.attributes[column.name]
    filled = model.contents.fills(column)
    optional = column.not_null is None or filled
    text = annotation.text
    if any(line.startswith(_UNKNOWN_TO_PYDANTIC) for line in annotation.imports):
        annotation = Source("Any", frozenset({"from typing import Any"}))
        text = "Any | None" if column.not_null is None else "Any"
    if optional and not text.endswith("| None"):
        text += " | None"
    given: list[Argument] = ["default=None"] if optional else []
    given += _plain(column, model, models) or [
        keyword("sa_column", columns.core(column, model, models))
    ]
    if given == ["default=None", ""]:
        return Source(f"{attribute}: {text} = None", annotation.imports)
    said = [one for one in given if one != ""]
    made = call("Field", said, _FIELD) if said else Source("")
    end = f" = {made.text}" if said else ""
    return Source(f"{attribute}: {text}{end}", annotation.imports | made.imports)


def _plain(column: Column, model: Model, models: Models) -> list[Argument]:
    """Return Field's own arguments where they say all of a column; [] where they do not.

    Nothing to say is an empty argument.
    """
    arguments = list(columns.more(column, model, models))
    texts = [one if isinstance(one, str) else one.text for one in arguments]
    sayable = {"primary_key=True", "unique=True", "index=True"}
    if model.attributes[column.name] != column.name or not columns.is_implied(
        column, model, models
    ):
        return []
    # SQLModel takes a field that may be None for a column that may be NULL.
    filled = model.contents.fills(column) and column.not_null is not None
    if filled and "primary_key=True" not in texts:
        return []
    made: list[Argument] = []
    for text in texts:
        target = text.removeprefix("sa.ForeignKey(").removesuffix(")")
        if text in sayable:
            made.append(text)
        elif target != text and target.startswith('"') and "," not in target:
            made.append(f"foreign_key={target}")
        else:
            return []
    return made or [""]


def relationship(
    relation: Relation, model: Model, models: Models, arguments: Iterator[str]
) -> Source:
    """Return the line of a class of SQLModel that declares a relationship."""
    target = models.tables[relation.target]
    imports = set() if target is model else {f"class:{target.module}:{target.name}"}
    annotation = f'"{target.name}"'
    if relation.many:
        annotation = f"list[{annotation}]"
    elif relation.optional:
        # A union with text does not exist before Python 3.14.
        annotation = f"Optional[{annotation}]"
        imports.add("from typing import Optional")
    given: list[Argument] = []
    keywords = []
    for argument in arguments:
        name, _, value = argument.partition("=")
        if name == "back_populates":
            given.append(argument)
        else:
            keywords.append(f"{literal(name)}: {_late(name, value, relation, model)}")
    if keywords:
        given.append(f"sa_relationship_kwargs={{{', '.join(keywords)}}}")
    made = call("Relationship", given, _RELATIONSHIP)
    return Source(f"{relation.name}: {annotation} = {made.text}", made.imports | imports)


def _late(name: str, value: str, relation: Relation, model: Model) -> str:
    # In the body of the class its columns are fields: they are named for later.
    if name == "remote_side":
        return literal(f"[{', '.join(f'{model.name}.{one}' for one in relation.remote_side)}]")
    if name == "foreign_keys":
        return literal(f"[{', '.join('.'.join(pair) for pair in relation.foreign_keys)}]")
    return value
