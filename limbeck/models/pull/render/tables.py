"""Tables of pulled models, as mapped classes or sa.Table(...)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from limbeck.models.pull.render import columns, fields, reserved
from limbeck.models.pull.render.contents import follows, inline
from limbeck.models.pull.render.conventions import name
from limbeck.models.pull.render.models import Model, Models
from limbeck.models.pull.render.relations import Relation
from limbeck.models.pull.render.roles import column_of_plain_index, key_is_inline
from limbeck.models.source.constraints import constraint as spell_constraint
from limbeck.models.source.indexes import index
from limbeck.models.source.text import SQLALCHEMY, Argument, Source, call, keyword, literal
from limbeck.schema.catalog.names import chosen_name
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.catalog.objects.tables import Table

_RELATIONSHIP = "from sqlalchemy.orm import Mapped, relationship"
_BASE = "base:Base"
_INHERITS = "from limbeck.entities import Inherits"
_KEYWORDS = {"declarative": "", "dataclass": ", kw_only=True", "sqlmodel": ", table=True"}


def source(model: Model, relations: Sequence[Relation], models: Models) -> Source:
    """Return the class or the Table of a table.

    Raises:
        Clash: attributes have names that the body of the class needs.

    """
    return _class(model, relations, models) if model.mapped else _table(model, models)


def _class(model: Model, relations: Sequence[Relation], models: Models) -> Source:
    table = model.contents.table
    own = models.together or frozenset(
        {model.name, *(models.tables[relation.target].name for relation in relations)}
    )
    head = [Source(f"__tablename__ = {literal(table.name)}")]
    arguments = table_args(model, models)
    if arguments:
        head.append(reserved.aliased(arguments, own))
    head[-1] = Source(head[-1].text + "\n", head[-1].imports)
    body = [
        reserved.aliased(attribute(column, model, models), own) for column in model.contents.columns
    ]
    related = [
        reserved.aliased(relationship(relation, model, models), own) for relation in relations
    ]
    _check(model, relations, [*body, *related, Source("", head[-1].imports)])
    if related:
        body[-1] = Source(body[-1].text + "\n", body[-1].imports)
    body = [*head, *body, *related]
    # Only first lines are indented: any other line is in a literal, and stays as it is.
    lines = "\n".join(f"    {line.text}" for line in body)
    imports = frozenset({_BASE}).union(*(line.imports for line in body))
    return Source(f"class {model.name}(Base{_KEYWORDS[models.style]}):\n{lines}", imports)


def _check(model: Model, relations: Sequence[Relation], body: Sequence[Source]) -> None:
    """Raise Clash if the body of a class needs a name that one of its attributes has."""
    attributes = {*model.attributes.values(), *(relation.name for relation in relations)}
    if clashing := attributes.intersection(reserved.used(body)):
        raise reserved.Clash(model.address, frozenset(clashing))


def attribute(column: Column, model: Model, models: Models) -> Source:
    """Return the line of a mapped class that declares a column, in the models' style."""
    return (fields.field if models.style == "sqlmodel" else columns.mapped)(column, model, models)


def _table(model: Model, models: Models) -> Source:
    table = model.contents.table
    given: list[Argument] = [literal(table.name), "Base.metadata"]
    given += [columns.core(column, model, models) for column in model.contents.columns]
    given += _arguments(model, models)
    given += [keyword(key, value) for key, value in options(table)]
    value = call("sa.Table", given, SQLALCHEMY, _BASE)
    value = reserved.aliased(value, models.together or frozenset({model.name}))
    return Source(f"{model.name} = {value.text}", value.imports)


def table_args(model: Model, models: Models) -> Source | None:
    """Return the assignment of __table_args__, None where the table needs none."""
    given = list(_arguments(model, models))
    pairs = ", ".join(f"{literal(key)}: {value}" for key, value in options(model.contents.table))
    if not given and not pairs:
        return None
    if not given:
        return Source(f"__table_args__ = {{{pairs}}}")
    last: list[Argument] = [f"{{{pairs}}}"] if pairs else []
    value = call("", [*given, *last])
    text = value.text if len(given) + len(last) > 1 else f"{value.text[:-1]},)"
    return Source(f"__table_args__ = {text}", value.imports)


def options(table: Table) -> Iterator[tuple[str, str]]:
    """Yield the keyword arguments of a table, with their source."""
    if table.schema != "public":
        yield "schema", literal(table.schema)
    if table.comment is not None:
        yield "comment", literal(table.comment)
    if table.unlogged:
        yield "prefixes", '["UNLOGGED"]'
    if table.partition_key:
        yield "postgresql_partition_by", literal(table.partition_key)
    if table.access_method:
        yield "postgresql_using", literal(table.access_method)
    if table.options:
        pairs = (option.split("=", 1) for option in table.options)
        values = ", ".join(f"{literal(key)}: {literal(value)}" for key, value in pairs)
        yield "postgresql_with", f"{{{values}}}"


def elements(model: Model, models: Models) -> Iterator[tuple[Address, Source]]:
    """Yield the elements of __table_args__ by the address of the part that each declares."""
    if parents := model.contents.table.inherits:
        yield model.address, _inherits(parents, models)
    for constraint in model.contents.constraints:
        if not is_inline(constraint, model, models):
            spelled = _constraint(constraint, model, models)
            if spelled:
                yield constraint.address, spelled
    yield from _not_nulls(model, models)
    for index_ in model.contents.indexes:
        if column_of_plain_index(index_, model.contents, models.nameless) is None:
            for spelled in _index(index_, models):
                yield index_.address, spelled


def _inherits(parents: Sequence[Address], models: Models) -> Source:
    known = [models.tables[parent] for parent in parents]
    modules = {} if models.together else {f"own:{each.module}:{each.name}" for each in known}
    names = ", ".join(each.name for each in known)
    return Source(f"Inherits({names})", frozenset({*modules, _INHERITS}))


def _arguments(model: Model, models: Models) -> Iterator[Argument]:
    return (element for _, element in elements(model, models))


def _constraint(constraint: Constraint, model: Model, models: Models) -> Source | None:
    if not follows(constraint, model.contents):
        return spell_constraint(constraint, name=name(constraint, models.convention))
    # use_alter needs the key's name.
    key = spell_constraint(constraint, name=literal(constraint.name))
    return key and Source(f"{key.text[:-1]}, use_alter=True)", key.imports)


def is_inline(constraint: Constraint, model: Model, models: Models) -> bool:
    """Return whether the line of a column declares all of a constraint."""
    if constraint.type == "p":
        return key_is_inline(model.contents, models.nameless)
    if constraint.type == "f":
        return inline(constraint)
    nameless = constraint.address in models.nameless
    return constraint.type == "u" and inline(constraint) and nameless


def _not_nulls(model: Model, models: Models) -> Iterator[tuple[Address, Source]]:
    for column in model.contents.columns:
        constraint = column.not_null
        if constraint is None or constraint.name is None or constraint.inherited:
            continue
        usual = chosen_name(column.table, column.name, "not_null")
        own = (column.schema, constraint.name) not in models.shared
        if constraint.name == usual and own and not constraint.no_inherit:
            continue
        given: list[Argument] = [literal(column.name), keyword("name", literal(constraint.name))]
        given += ["no_inherit=True"] if constraint.no_inherit else []
        yield column.address, call("NotNull", given, "from limbeck.entities import NotNull")


def _index(index_: Index, models: Models) -> Iterator[Source]:
    near = models.catalog.near
    # Those of partitioned tables are here only if partitions get them by being created.
    spelled = index(index_, near) or index(index_, near, partitioned=True)
    if spelled is None:
        return
    keys, options = spelled
    listed = Source(keys.text[1:-1], keys.imports)
    unique = ["unique=True"] if index_.unique else []
    named = name(index_, models.convention) or "None"
    yield call("sa.Index", [named, listed, *unique, *options], SQLALCHEMY)


def relationship(relation: Relation, model: Model, models: Models) -> Source:
    """Return the line of a mapped class that declares a relationship."""
    if models.style == "sqlmodel":
        return fields.relationship(
            relation, model, models, _relationship_arguments(relation, model, models)
        )
    target = models.tables[relation.target]
    annotation = f"list[{target.name}]" if relation.many else target.name
    if relation.optional and not relation.many:
        annotation += " | None"
    given = list(_relationship_arguments(relation, model, models))
    if models.style == "dataclass":
        # repr() and == would follow the relationships through the whole graph, or for ever.
        default = "default_factory=list" if relation.many else "default=None"
        given += [default, "repr=False", "compare=False"]
    value = call("relationship", given, _RELATIONSHIP)
    own = set() if target is model else {f"class:{target.module}:{target.name}"}
    text = f"{relation.name}: Mapped[{annotation}] = {value.text}"
    return Source(text, value.imports | own)


def _relationship_arguments(relation: Relation, model: Model, models: Models) -> Iterator[str]:
    if relation.secondary:
        address = relation.secondary
        key = address.name if address.schema == "public" else f"{address.schema}.{address.name}"
        plain = all(part.isidentifier() for part in key.split("."))
        yield f"secondary={literal(key) if plain else f'lambda: Base.metadata.tables[{key!r}]'}"
    for side, condition in zip(("primaryjoin", "secondaryjoin"), relation.joins, strict=False):
        yield f"{side}={literal(condition)}"
    if relation.foreign_keys:
        yield f"foreign_keys={_attributes(relation.foreign_keys, model, models)}"
    if relation.remote_side:
        pairs = [(model.name, attribute) for attribute in relation.remote_side]
        yield f"remote_side={_attributes(pairs, model, models)}"
    if relation.back:
        yield f"back_populates={literal(relation.back)}"
    if relation.overlaps:
        yield f"overlaps={literal(','.join(relation.overlaps))}"


def _attributes(pairs: Sequence[tuple[str, str]], model: Model, models: Models) -> str:
    """Return attributes of classes; in quotes where the body of the class does not know them."""
    known = _assigned(model, models)
    if all(owner == model.name and attribute in known for owner, attribute in pairs):
        return f"[{', '.join(attribute for _, attribute in pairs)}]"
    return literal(f"[{', '.join(f'{owner}.{attribute}' for owner, attribute in pairs)}]")


def _assigned(model: Model, models: Models) -> frozenset[str]:
    # A class that somebody else wrote may have them from a mixin, or only annotate them.
    own = models.naming.known.get(model.address)
    return frozenset(
        model.attributes[column.name]
        for column in model.contents.columns
        if not (own and column.name in own.attributes)
        and columns.mapped(column, model, models).text.endswith(")")
    )
