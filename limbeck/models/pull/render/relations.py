"""Relationships between mapped classes, derived from the foreign keys."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from limbeck.dataclass import dataclass
from limbeck.models.pull.render import names
from limbeck.models.pull.render.models import Model, Models, is_association
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.constraints import Constraint

_SUFFIX = re.compile(r"(?i:_(?:id|uuid|guid|fk))$|(?<=[a-z])(?:Id|ID|Uuid|UUID|Fk|FK)$")


@dataclass(frozen=True, slots=True)
class Relation:
    """One relationship of a class.

    `foreign_keys` are (class, attribute) pairs, where several foreign keys join the tables;
    `remote_side` the attributes on the far side of a self reference; `secondary` the association
    table; `overlaps` the relationships that write to the same columns; `origin` the foreign
    key or association table that it follows. An empty `back` means one direction only.
    """

    owner: Address
    name: str
    target: Address
    many: bool
    optional: bool
    back: str
    origin: Address
    foreign_keys: tuple[tuple[str, str], ...] = ()
    remote_side: tuple[str, ...] = ()
    secondary: Address | None = None
    overlaps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Link:
    """A foreign key between two mapped classes, with the names of both relationships."""

    child: Model
    parent: Model
    key: Constraint
    forward: str
    backward: str
    single: bool


def relations(models: Models) -> dict[Address, list[Relation]]:
    """Return the relationships of every mapped class, by its table."""
    taken: dict[Address, set[str]] = {
        address: {
            *model.attributes.values(),
            *model.names,
            *models.naming.forbidden(address),
            model.name,
        }
        for address, model in models.tables.items()
    }
    links = _links(models, taken)
    related: dict[Address, list[Relation]] = defaultdict(list)
    for relation in (*_from_links(links), *_from_associations(models, taken)):
        related[relation.owner].append(relation)
    return related


def _keys(models: Models) -> Iterator[tuple[Model, Model, Constraint]]:
    for child in models.tables.values():
        seen: set[tuple[Address, frozenset[str]]] = set()
        for key in child.contents.foreign_keys:
            parent = models.tables.get(key.reference.table) if key.reference else None
            if not (child.mapped and parent and parent.mapped):
                continue
            if (parent.address, frozenset(key.columns)) not in seen:
                seen.add((parent.address, frozenset(key.columns)))
                yield child, parent, key


def _links(models: Models, taken: Mapping[Address, set[str]]) -> list[_Link]:
    keys = list(_keys(models))
    pairs = Counter((child.address, parent.address) for child, parent, _ in keys)
    forward = []
    for child, parent, key in keys:
        role = _role(child, parent, key)
        name = names.unique(role, taken[child.address])
        taken[child.address].add(name)
        forward.append((role, name))
    links = []
    for (child, parent, key), (role, name) in zip(keys, forward, strict=True):
        single = _is_unique(child, key)
        several = pairs[child.address, parent.address] > 1 or child is parent
        back = names.unique(
            _back(child, role, single=single, several=several), taken[parent.address]
        )
        taken[parent.address].add(back)
        links.append(_Link(child, parent, key, name, back, single))
    return links


def _role(child: Model, parent: Model, key: Constraint) -> str:
    target = names.row_name(parent.contents.table.name)
    if len(key.columns) != 1:
        return target
    column = key.columns[0]
    role = _SUFFIX.sub("", column)
    if role and role != column:
        return names.variable(role)
    attribute = child.attributes[column]
    if column.lower() == f"{target}id" or attribute == target or attribute in {"id", "uuid"}:
        return target
    return f"{names.variable(column)}_{target}"


def _back(child: Model, role: str, *, single: bool, several: bool) -> str:
    table = child.contents.table.name
    name = names.row_name(table) if single else names.rows_name(table)
    if not several:
        return name
    if role == "parent":
        return "child" if single else "children"
    return f"{name}_as_{role}"


def _is_unique(child: Model, key: Constraint) -> bool:
    return any(
        constraint.type in {"p", "u"} and frozenset(constraint.columns) <= frozenset(key.columns)
        for constraint in child.contents.constraints
    )


def _from_links(links: list[_Link]) -> Iterator[Relation]:
    between = Counter(frozenset({link.child.address, link.parent.address}) for link in links)
    siblings: dict[Address, list[_Link]] = defaultdict(list)
    for link in links:
        siblings[link.child.address].append(link)
    for link in links:
        child, parent, key = link.child, link.parent, link.key
        pairs = tuple((child.name, child.attributes[column]) for column in key.columns)
        several = between[frozenset({child.address, parent.address})] > 1
        remote = _remote(parent, key) if child is parent else ()
        overlaps = tuple(sorted(_overlaps(link, siblings[child.address])))
        nullable = {column.name for column in child.contents.columns if column.not_null is None}
        yield Relation(
            owner=child.address,
            name=link.forward,
            target=parent.address,
            many=False,
            optional=any(column in nullable for column in key.columns),
            back=link.backward,
            origin=key.address,
            foreign_keys=pairs if several else (),
            remote_side=remote,
            overlaps=overlaps,
        )
        yield Relation(
            owner=parent.address,
            name=link.backward,
            target=child.address,
            many=not link.single,
            optional=True,
            back=link.forward,
            origin=key.address,
            foreign_keys=pairs if several else (),
            overlaps=overlaps,
        )


def _remote(parent: Model, key: Constraint) -> tuple[str, ...]:
    referred = key.reference.columns if key.reference else ()
    return tuple(parent.attributes[column] for column in referred)


def _overlaps(link: _Link, links: list[_Link]) -> Iterator[str]:
    for other in links:
        if other is not link and set(other.key.columns) & set(link.key.columns):
            yield from (other.forward, other.backward)


def _from_associations(models: Models, taken: Mapping[Address, set[str]]) -> Iterator[Relation]:
    tables = {address: model.contents for address, model in models.tables.items()}
    for address, model in models.tables.items():
        if model.mapped or not is_association(model.contents, tables):
            continue
        left, right = (
            models.tables[key.reference.table]
            for key in model.contents.foreign_keys
            if key.reference
        )
        yield from _across(address, left, right, taken)


def _across(
    secondary: Address, left: Model, right: Model, taken: Mapping[Address, set[str]]
) -> Iterator[Relation]:
    sides = []
    for owner, target in ((left, right), (right, left)):
        plain = names.rows_name(target.contents.table.name)
        if plain in taken[owner.address]:
            plain = f"{plain}_by_{names.variable(secondary.name)}"
        name = names.unique(plain, taken[owner.address])
        taken[owner.address].add(name)
        sides.append((owner.address, name, target.address))
    for (owner_, name, target_), (_, back, _) in zip(sides, reversed(sides), strict=True):
        yield Relation(owner_, name, target_, True, False, back, secondary, secondary=secondary)  # noqa: FBT003
