"""Columns of pulled models, as mapped_column(...) or sa.Column(...)."""

from __future__ import annotations

from collections.abc import Iterator

from limbeck.models.pull.render.annotations import based, element, python
from limbeck.models.pull.render.contents import follows
from limbeck.models.pull.render.conventions import name
from limbeck.models.pull.render.models import Model, Models
from limbeck.models.pull.render.packaged import packaged
from limbeck.models.source.constraints import parts
from limbeck.models.source.defaults import default, identity
from limbeck.models.source.text import (
    POSTGRESQL,
    SQLALCHEMY,
    Argument,
    Source,
    call,
    keyword,
    literal,
)
from limbeck.models.source.types import type_
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.sql.quoting import names

_ENTITIES = "from limbeck.entities import Type"
_LIKE = "from limbeck.entities import TypeLike"
_JSON = {"json": ("sa.JSON", SQLALCHEMY), "jsonb": ("postgresql.JSONB", POSTGRESQL)}
_ORM = "from sqlalchemy.orm import Mapped, mapped_column"


def mapped(column: Column, model: Model, models: Models) -> Source:
    """Return the line of a mapped class that declares a column."""
    attribute = model.attributes[column.name]
    if attribute != column.name or column.name in model.special or column.comment is not None:
        declaration = _declaration(column, model, models)
    else:
        # Most columns have the declaration of many others.
        alike = _kind(column, model)
        if alike not in models.declarations:
            models.declarations[alike] = _declaration(column, model, models)
        declaration = models.declarations[alike]
    return Source(f"{attribute}: {declaration.text}", declaration.imports)


def _kind(column: Column, model: Model) -> tuple[object, ...]:
    """Return a key that columns with the same declaration share."""
    contents, name = model.contents, column.name
    own = (column.type, column.not_null is None, column.default, column.collation)
    filled = name in contents.filled, name in contents.serials
    return (*own, name == contents.serial, *filled, model.roles.get(name))


def _declaration(column: Column, model: Model, models: Models) -> Source:
    annotated = annotation(column, models)
    plain = model.attributes[column.name] == column.name
    given: list[Argument] = [] if plain else [literal(column.name)]
    if not is_implied(column, model, models):
        given.append(_type_in(column, model, models))
    given += more(column, model, models)
    if models.style == "dataclass":
        given += _parameter(column, model, models)
    end = call("mapped_column", given, _ORM)
    value = f" = {end.text}" if given else ""
    text = f"Mapped[{annotated.text}]{value}"
    return Source(text, annotated.imports | end.imports)


def _parameter(column: Column, model: Model, models: Models) -> Iterator[str]:
    """Yield the argument about the parameter of a column in a dataclass's constructor."""
    keys = (key for key in model.contents.foreign_keys if column.name in key.columns)
    # The relationship can be passed instead, and sets the column.
    related = any(_has_relationship(key, models) for key in keys)
    if column.identity or column.generated or model.contents.serial == column.name:
        yield "init=False"
    elif model.contents.fills(column) or related or column.not_null is None:
        # SQLAlchemy omits None from an INSERT, so that the default of the server applies.
        yield "default=None"


def _has_relationship(key: Constraint, models: Models) -> bool:
    return key.reference is not None and models.tables[key.reference.table].mapped


def core(column: Column, model: Model, models: Models) -> Source:
    """Return sa.Column(...)."""
    given = [literal(column.name), *arguments(column, model, models, annotated=False)]
    return call("sa.Column", given, SQLALCHEMY)


def arguments(
    column: Column, model: Model, models: Models, *, annotated: bool
) -> Iterator[Argument]:
    """Yield all arguments of a column except its name, including a type that is implied.

    Args:
        column: the column.
        model: its table.
        models: all that is rendered.
        annotated: whether the column has an annotation, which says whether it may be NULL.

    """
    yield _type_in(column, model, models)
    yield from more(column, model, models)
    if annotated and models.style == "dataclass":
        yield from _parameter(column, model, models)
    if not annotated and column.not_null is not None and not _in_key(column, model):
        yield "nullable=False"


def _type_in(column: Column, model: Model, models: Models) -> Source:
    """Return the type of a column in its table, where a sequence may fill it."""
    if column.name not in model.contents.serials:
        return type_of(column, models)
    given = [] if column.type == "integer" else [literal(column.type)]
    return call("Serial", given, "from limbeck.entities import Serial")


def type_of(column: Column, models: Models) -> Source:
    """Return the type of a column; limbeck.entities.Type where SQLAlchemy has none."""
    return _enum_type(column.type, models) or _type(column, models)


def _type(column: Column, models: Models) -> Source:
    if column.type in _JSON and models.style != "declarative":
        # In these styles None is what a caller omits: SQLAlchemy would store the null of JSON.
        return call(_JSON[column.type][0], ["none_as_null=True"], _JSON[column.type][1])
    if column.collation is None and (like := _like(column.type, models)):
        return call("TypeLike", [literal(column.type), like], _LIKE)
    if column.type == "jsonpath":
        return call("Type", [literal(column.type)], _ENTITIES)  # SQLAlchemy's is not for columns
    spelled = type_(column.type, models.catalog, collation=column.collation)
    spelled = spelled or _packaged(column.type)
    if spelled is not None:
        return spelled
    text = column.type if column.collation is None else f"{column.type} COLLATE {column.collation}"
    return call("Type", [literal(text)], _ENTITIES)


def _like(spelled: str, models: Models) -> Source | None:
    """Return the type as whose values a type is read; None if its own are those in Python."""
    catalog = models.catalog
    if not spelled.endswith("[]"):
        base = based(spelled, catalog)
        # DOMAIN passes values to the driver, which does not know these.
        known = base in _JSON or _address(base) in models.enums
        return (
            _enum_type(base, models) or type_(base, catalog) if known and base != spelled else None
        )
    item = spelled.removesuffix("[]")
    if (base := element(item, catalog)) == item:
        return None
    inner = type_(base, catalog)
    return call("postgresql.ARRAY", [inner], POSTGRESQL) if inner else None


def _packaged(spelled: str) -> Source | None:
    if spelled.endswith("[]"):
        item = _packaged(spelled.removesuffix("[]"))
        return call("postgresql.ARRAY", [item], POSTGRESQL) if item else None
    pair = packaged(spelled)
    return pair[0] if pair else None


def _enum_type(spelled: str, models: Models) -> Source | None:
    if spelled.endswith("[]"):
        item = _enum_type(spelled.removesuffix("[]"), models)
        return call("postgresql.ARRAY", [item], POSTGRESQL) if item else None
    enum = models.enums.get(_address(spelled))
    return enum.type if enum else None


def _address(spelled: str) -> Address:
    parts = names(spelled)
    pair = len(parts) == 2  # noqa: PLR2004 - schema and name
    return Address("enum", *parts) if pair else Address("enum", "", spelled)


def annotation(column: Column, models: Models) -> Source:
    """Return the annotation of a column, with None where it may be NULL."""
    depth, bare = 0, column.type
    while bare.endswith("[]"):
        depth, bare = depth + 1, bare.removesuffix("[]")
    # An array of a domain over an enum is read as text.
    enum = models.enums.get(_address(bare if depth else based(bare, models.catalog)))
    if enum is None:
        value = python(column.type, models.catalog)
    else:
        label = enum.annotation
        value = Source("list[" * depth + label.text + "]" * depth, label.imports)
    end = " | None" if column.not_null is None else ""
    return Source(value.text + end, value.imports)


def is_implied(column: Column, model: Model, models: Models) -> bool:
    """Return whether a column's annotation alone implies its type."""
    if column.name in model.contents.serials:
        return False
    enum = models.enums.get(_address(column.type))
    plain = python(column.type, models.catalog).text
    implied = bool(enum and enum.known and enum.known.implied)
    if (not implied and models.implied.get(plain) != column.type) or column.collation is not None:
        return False
    # SQLAlchemy gives a column the type of the column that its foreign key references, whatever
    # the annotation; if that column has a foreign key too, the type may not be known yet.
    return all(
        _referred_type(constraint, models) == column.type and not _refers_on(constraint, models)
        for constraint in model.inline.get(column.name, ())
        if constraint.type == "f"
    )


def _referred_type(key: Constraint, models: Models) -> str | None:
    if key.reference is None:
        return None
    table = models.tables[key.reference.table].contents
    wanted = key.reference.columns[0]
    return next((column.type for column in table.columns if column.name == wanted), None)


def _refers_on(key: Constraint, models: Models) -> bool:
    if key.reference is None:
        return False
    wanted = key.reference.columns[:1]
    there = models.tables[key.reference.table].contents.constraints
    return any(other.type == "f" and other.columns[:1] == wanted for other in there)


def more(column: Column, model: Model, models: Models) -> Iterator[Argument]:
    """Yield the arguments of a column after its type."""
    for constraint in model.inline.get(column.name, ()):
        if constraint.type == "f":
            yield foreign_key(constraint, models)
    yield from _generator(column, models)
    yield from model.roles.get(column.name, ())
    filled = None if column.generated else default(column, models.catalog.near)
    if column.name in model.contents.filled:
        yield keyword("server_default", Source("sa.FetchedValue()", frozenset({SQLALCHEMY})))
    elif filled and column.name not in {model.contents.serial, *model.contents.serials}:
        yield keyword("server_default", filled)
    if column.comment is not None:
        yield keyword("comment", literal(column.comment))


def _generator(column: Column, models: Models) -> Iterator[Argument]:
    generator = identity(column) if column.identity else None
    if generator:
        yield generator
    computed = default(column, models.catalog.near) if column.generated else None
    if computed:
        yield computed


def foreign_key(key: Constraint, models: Models) -> Source:
    """Return sa.ForeignKey(...)."""
    positional, options = parts(key) or ([], [])
    target = str(positional[1]).removeprefix("[").removesuffix("]") if positional else ""
    spelled = name(key, models.convention)
    table = models.tables.get(Address("table", key.schema, key.table))
    if table and follows(key, table.contents):
        spelled, options = literal(key.name), [*options, "use_alter=True"]
    named = [keyword("name", spelled)] if spelled else []
    return call("sa.ForeignKey", [target, *named, *options], SQLALCHEMY)


def _in_key(column: Column, model: Model) -> bool:
    key = model.contents.primary_key
    return key is not None and column.name in key.columns
