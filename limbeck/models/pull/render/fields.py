"""Columns and relationships of pulled models as fields of SQLModel."""

from __future__ import annotations

from collections.abc import Iterator

from limbeck.models.pull.render import columns
from limbeck.models.pull.render.models import Model, Models
from limbeck.models.pull.render.relations import Relation
from limbeck.models.source.text import Argument, Source, call, keyword, literal
from limbeck.schema.catalog.objects.columns import Column

_FIELD = "from sqlmodel import Field"
_RELATIONSHIP = "from sqlmodel import Relationship"
# pydantic refuses these classes in an annotation, unless arbitrary types are allowed.
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
    arguments = [argument for argument in given if argument != ""]
    value = call("Field", arguments, _FIELD) if arguments else Source("")
    end = f" = {value.text}" if arguments else ""
    return Source(f"{attribute}: {text}{end}", annotation.imports | value.imports)


def _plain(column: Column, model: Model, models: Models) -> list[Argument]:
    """Return Field's own arguments if they describe all of a column; else [].

    A column that needs none has one empty argument.
    """
    arguments = list(columns.more(column, model, models))
    texts = [argument if isinstance(argument, str) else argument.text for argument in arguments]
    sayable = {"primary_key=True", "unique=True", "index=True"}
    if model.attributes[column.name] != column.name or not columns.is_implied(
        column, model, models
    ):
        return []
    # For SQLModel, a field that may be None is a column that may be NULL.
    filled = model.contents.fills(column) and column.not_null is not None
    if filled and "primary_key=True" not in texts:
        return []
    plain: list[Argument] = []
    for text in texts:
        target = text.removeprefix("sa.ForeignKey(").removesuffix(")")
        if text in sayable:
            plain.append(text)
        elif target != text and target.startswith('"') and "," not in target:
            plain.append(f"foreign_key={target}")
        else:
            return []
    return plain or [""]


def relationship(
    relation: Relation, model: Model, models: Models, arguments: Iterator[str]
) -> Source:
    """Return the line of a class of SQLModel that declares a relationship.

    Args:
        relation: the relationship.
        model: the class.
        models: all that is rendered.
        arguments: those of SQLAlchemy's relationship().

    """
    target = models.tables[relation.target]
    imports = set() if target is model else {f"class:{target.module}:{target.name}"}
    annotation = f'"{target.name}"'
    if relation.many:
        annotation = f"list[{annotation}]"
    elif relation.optional:
        # "Name" | None is an error before Python 3.14.
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
    field_ = call("Relationship", given, _RELATIONSHIP)
    return Source(f"{relation.name}: {annotation} = {field_.text}", field_.imports | imports)


def _late(name: str, value: str, relation: Relation, model: Model) -> str:
    # In the body of the class its columns are fields; a string is evaluated later.
    if name == "remote_side":
        return literal(
            f"[{', '.join(f'{model.name}.{attribute}' for attribute in relation.remote_side)}]"
        )
    if name == "foreign_keys":
        return literal(f"[{', '.join('.'.join(pair) for pair in relation.foreign_keys)}]")
    return value
