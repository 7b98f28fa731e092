"""Relationships between mapped classes, derived from the foreign keys."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from limbeck.dataclass import dataclass
from limbeck.models.pull.render import names
from limbeck.models.pull.render.associations import is_association
from limbeck.models.pull.render.models import Model, Models
from limbeck.models.pull.render.naming import role_of
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.constraints import Constraint


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
    joins: tuple[str, ...] = ()
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
    own = models.naming.choices
    forward = []
    for child, parent, key in keys:
        role, target = role_of(key), names.row_name(parent.contents.table.name)
        chosen = own.relationship(key, 0)
        name = names.first(_forward(role, target, key), taken[child.address], chosen)
        forward.append((role or name, name))
    links = []
    for (child, parent, key), (role, name) in zip(keys, forward, strict=True):
        single = _is_unique(child, key)
        several = pairs[child.address, parent.address] > 1 or child is parent
        candidates = _back(child, parent, role, single=single, several=several)
        back = names.first(candidates, taken[parent.address], own.relationship(key, 1))
        links.append(_Link(child, parent, key, name, back, single))
    return links


def _forward(role: str, target: str, key: Constraint) -> Iterator[str]:
    """Yield names for the relationship of a foreign key, the best first."""
    yield role or target
    if role and role != target:
        yield f"{role}_{target}"
    if len(key.columns) == 1 and (column := names.variable(key.columns[0])) != target:
        yield f"{column}_{target}"
    yield f"{role or target}_row"
    yield from (f"{role or target}_{number}" for number in range(2, 10_000))


def _back(child: Model, parent: Model, role: str, *, single: bool, several: bool) -> Iterator[str]:
    """Yield names for the other side of a foreign key's relationship, the best first."""
    table = child.contents.table.name
    name = names.row_name(table) if single else names.rows_name(table)
    if role == "parent" and several:
        yield "child" if single else "children"
    elif not several or role == names.row_name(parent.contents.table.name):
        yield name
    yield f"{name}_as_{role}"
    yield from (f"{name}_as_{role}_{number}" for number in range(2, 10_000))


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
    associations = [
        model
        for model in models.tables.values()
        if not model.mapped and is_association(model.contents, tables)
    ]
    count = Counter(map(_related, associations))
    for model in associations:
        yield from _across(model, models, taken, several=count[_related(model)] > 1)


def _related(table: Model) -> frozenset[Address]:
    return frozenset(key.reference.table for key in table.contents.foreign_keys if key.reference)


def _across(
    table: Model, models: Models, taken: Mapping[Address, set[str]], *, several: bool
) -> Iterator[Relation]:
    keys = [key for key in table.contents.foreign_keys if key.reference]
    at, sides = table.address, []
    for near, far in (keys, keys[::-1]):
        owner, target = (models.tables[key.reference.table] for key in (near, far) if key.reference)
        chosen = models.naming.choices.relationship(far, 0)
        side = _Side(table, owner, target, role_of(near), role_of(far), several)
        name = names.first(side.names(), taken[owner.address], chosen)
        itself = owner is target
        joins = (_join(table, owner, near), _join(table, target, far)) if itself else ()
        sides.append((owner.address, name, target.address, joins))
    for (owner_, name, target_, joins), (_, back, *_) in zip(sides, reversed(sides), strict=True):
        yield Relation(
            owner=owner_,
            name=name,
            target=target_,
            many=True,
            optional=False,
            back=back,
            origin=at,
            secondary=at,
            joins=joins,
        )


@dataclass(frozen=True, slots=True)
class _Side:
    """One side of an association: the class that has the relationship, and the other one.

    `near` is the role of the columns that refer to the owner, `far` of those that refer to the
    target, "" for none; `several` tells that other associations relate the same two classes.
    """

    table: Model
    owner: Model
    target: Model
    near: str
    far: str
    several: bool

    def names(self) -> Iterator[str]:
        """Yield names for the relationship, the best first."""
        own, other = (names.row_name(at.contents.table.name) for at in (self.owner, self.target))
        rows = names.rows_name(self.target.contents.table.name)
        words = names.words(self.table.contents.table.name)
        rest = [word for word in words if names.singular(word) not in {own, other}]
        title = "_".join(rest or words)
        if self.owner is self.target:
            yield from self._of_one(other, title)
        elif self.far not in {"", other}:
            yield names.rows_name(self.far)
        elif rest and (own in map(names.singular, words) or _acts(other, own, words)):
            yield names.rows_name(title)
        role = self.near if self.near not in {"", own} else ""
        if not role and _acts(own, other, words):
            yield f"{rows}_as_{names.row_name(title)}"
        if role or (rest and other in map(names.singular, words)):
            spare = f"{rows}_as_{role or names.row_name(title)}"
        else:
            spare = f"{title}_{rows}" if rest else f"{rows}_by_{names.variable(title)}"
        yield from (spare, rows) if self.several else (rows, spare)
        yield from (f"{rows}_{number}" for number in range(2, 10_000))

    def _of_one(self, row: str, title: str) -> Iterator[str]:
        """Yield names for rows that are related to others of their own table."""
        if self.far not in _VAGUE | {row}:
            yield names.rows_name(self.far)
            return
        # friends of (user_id, friend_id): those who name this one are friends_of it.
        base = self.near if self.near not in _VAGUE | {row} else title
        second = self.far == row if base == self.near else self.far < self.near
        yield f"{names.rows_name(base)}_of" if second else names.rows_name(base)


def _acts(row: str, other: str, words: Sequence[str]) -> bool:
    """Return whether an association such as `subscribers` names the rows of one of its tables.

    Of people and posts, the people subscribe.
    """
    word = names.singular(words[-1])
    named = {row, other}.intersection(map(names.singular, words))
    return word.endswith(("er", "or")) and row in _PEOPLE and other not in _PEOPLE and not named


_PEOPLE = frozenset(
    {"account", "contact", "customer", "employee", "member", "people", "person", "profile", "user"}
)
# Roles in columns that tell nothing: from_id and to_id, a_id and b_id.
_VAGUE = frozenset({"", "from", "to", *"abcdxyz12"})


def _join(table: Model, model: Model, key: Constraint) -> str:
    """Return the condition that joins an association table to a class, for a string."""
    address = table.address
    name = address.name if address.schema == "public" else f"{address.schema}.{address.name}"
    referred = key.reference.columns if key.reference else ()
    pairs = [
        f"{model.name}.{model.attributes[there]} == {name}.c.{column}"
        for there, column in zip(referred, key.columns, strict=True)
    ]
    return pairs[0] if len(pairs) == 1 else f"and_({', '.join(pairs)})"
