"""A catalog as Postgres would show it after a rename."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Any

from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.names import of
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column, Identity
from limbeck.schema.catalog.objects.constraints import Constraint, Reference
from limbeck.schema.catalog.objects.grants import DefaultGrant, Grant
from limbeck.schema.catalog.objects.indexes import Index, Key
from limbeck.schema.catalog.objects.object import Object
from limbeck.schema.catalog.objects.routines import Function
from limbeck.schema.catalog.objects.schemas import Extension, Schema
from limbeck.schema.catalog.objects.sequences import Sequence as SequenceObject
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.objects.types import Enum
from limbeck.schema.renames.rename import Rename
from limbeck.schema.renames.tokens import Names
from limbeck.schema.sql.quoting import qualified, schema_and_name

PARTS = frozenset({"column", "default", "constraint", "trigger", "policy", "rule"})
RELATIONS = frozenset({"table", "view"})
TYPES = frozenset({"enum", "domain", "composite", "range", "table", "view"})


def names_of(renames: Iterable[Rename]) -> Names:
    """Return the renamed names and labels, for comparing texts."""
    names: dict[str, set[str]] = {}
    labels: dict[str, set[str]] = {}
    for rename in renames:
        if rename.kind == "enum" and rename.before.part:
            labels.setdefault(rename.before.part, set()).add(rename.after.part)
            continue
        for old, new in zip(rename.before[1:], rename.after[1:], strict=True):
            if old != new and old and new:
                names.setdefault(_bare(old), set()).add(_bare(new))
    return Names(_frozen(names), _frozen(labels))


def _bare(name: str) -> str:
    return name.partition("(")[0] if name.endswith(")") else name


def _frozen(names: Mapping[str, set[str]]) -> dict[str, frozenset[str]]:
    return {key: frozenset(value) for key, value in names.items()}


def moved(catalog: Catalog, rename: Rename) -> Catalog:
    """Return a catalog with one object renamed: addresses change, texts do not (see `respell`)."""
    if rename.kind == "enum" and rename.before.part:
        return _relabelled(catalog, rename)
    known = catalog.objects.keys() | catalog.depends.keys()
    addresses = {address: _address(address, rename, catalog) for address in known}
    for at, item in catalog.objects.items():
        if isinstance(item, Grant):
            addresses[at] = replace(item, target=addresses.get(item.target, item.target)).address
    objects = {}
    for old, item in catalog.objects.items():
        new = addresses[old]
        objects[new] = _object(item, old, new, rename, addresses)
    depends = {
        addresses[user]: frozenset(addresses.get(address, address) for address in used)
        for user, used in catalog.depends.items()
    }
    return replace(catalog, objects=objects, depends=depends)


def _relabelled(catalog: Catalog, rename: Rename) -> Catalog:
    at = rename.before._replace(part="")
    enum = catalog.objects.get(at)
    if not isinstance(enum, Enum):
        return catalog
    old, new = rename.before.part, rename.after.part
    labels = tuple(new if label == old else label for label in enum.labels)
    return replace(catalog, objects={**catalog.objects, at: replace(enum, labels=labels)})


def _address(address: Address, rename: Rename, catalog: Catalog) -> Address:
    old, new = rename.before, rename.after
    if address == old:
        return new
    kind, schema, name, part = address
    if rename.kind == "schema":
        address = address._replace(schema=new.name) if schema == old.name else address
    elif rename.kind in RELATIONS and (schema, name) == old[1:3] and kind in PARTS:
        address = address._replace(schema=new.schema, name=new.name)
    elif rename.kind in RELATIONS and schema == old.schema and _goes_along(address, old, catalog):
        address = address._replace(schema=new.schema)
    elif rename.kind == "column" and kind in {"column", "default"} and part == old.part:
        same = (schema, name) == old[1:3] or _descends(address, old, catalog)
        address = address._replace(part=new.part) if same else address
    elif rename.kind == "constraint" and address._replace(schema="", name="") == old._replace(
        schema="", name=""
    ):
        address = address._replace(part=new.part) if _copy(address, old, catalog) else address
    if kind == "function" and rename.kind in TYPES | {"schema"}:
        address = address._replace(name=_identity(address.name, rename))
    return address


def _goes_along(address: Address, table: Address, catalog: Catalog) -> bool:
    """Return whether an index or a sequence moves to another schema with its table."""
    item = catalog.objects.get(address)
    if isinstance(item, Index):
        return item.table == table
    if isinstance(item, SequenceObject) and item.owned_by:
        return item.owned_by[1:3] == table[1:3]
    return False


def _descends(address: Address, column: Address, catalog: Catalog) -> bool:
    """Return whether a column is inherited, at any depth, from another one."""
    table = catalog.objects.get(Address("table", address.schema, address.name))
    if not isinstance(table, Table):
        return False
    parents = (table.partition_of,) if table.partition_of else table.inherits
    above = [address._replace(schema=p.schema, name=p.name) for p in parents]
    return any(a[1:] == column[1:] or _descends(a, column, catalog) for a in above)


def _copy(address: Address, constraint: Address, catalog: Catalog) -> bool:
    """Return whether a check of a child table is renamed with its parent's."""
    item = catalog.objects.get(address)
    inherited = isinstance(item, Constraint) and item.type == "c" and item.inherited
    return inherited and _descends(address, constraint, catalog)


def _identity(identity: str, rename: Rename) -> str:
    """Return the identity of a function with its argument types renamed."""
    if rename.kind == "schema":
        old, new = f"{qualified('', rename.before.name)}.", f"{qualified('', rename.after.name)}."
    else:
        old, new = of(rename.before), of(rename.after)
    name, _, arguments = identity.partition("(")
    return f"{name}({arguments.replace(old, new)}"


def _object(
    item: Object,
    old: Address,
    new: Address,
    rename: Rename,
    addresses: Mapping[Address, Address],
) -> Object:
    changes: dict[str, Any] = {}
    if isinstance(item, Extension):
        if rename.kind == "schema" and item.schema == rename.before.name:
            changes["schema"] = rename.after.name
    elif old != new:
        changes |= _own_names(item, new)
    changes |= _references(item, addresses)
    changes |= _column_names(item, old, rename)
    return replace(item, **changes) if changes else item


def _own_names(item: Object, new: Address) -> dict[str, Any]:
    if isinstance(item, Schema):
        return {"name": new.name}
    if isinstance(item, Grant):
        return {}
    if isinstance(item, DefaultGrant):
        return {"schema": new.schema}
    if isinstance(item, Function):
        bare = schema_and_name(new.name.partition("(")[0])[1]
        return {"schema": new.schema, "identity": new.name, "name": bare}
    if new.part:
        return {"schema": new.schema, "table": new.name, "name": new.part}
    return {"schema": new.schema, "name": new.name}


def _references(item: Object, addresses: Mapping[Address, Address]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for field in fields(item):
        value = getattr(item, field.name)
        if isinstance(value, Address) and addresses.get(value, value) != value:
            changes[field.name] = addresses[value]
        elif isinstance(value, Reference) and value.table in addresses:
            columns = tuple(
                addresses.get(at, at).part
                for name in value.columns
                for at in [Address("column", value.table.schema, value.table.name, name)]
            )
            table = addresses[value.table]
            changes[field.name] = replace(value, table=table, columns=columns)
    if isinstance(item, Table) and item.inherits:
        changes["inherits"] = tuple(addresses.get(parent, parent) for parent in item.inherits)
    return changes


def _column_names(item: Object, at: Address, rename: Rename) -> dict[str, Any]:
    if isinstance(item, Column):
        moves = item.identity and rename.kind in {"table", "schema"}
        return _identity_schema(item.identity, at, rename) if moves and item.identity else {}
    old, new = rename.before, rename.after
    table = item.table[1:3] if isinstance(item, Index) else at[1:3]
    if rename.kind != "column" or table != old[1:3]:
        return {}

    def named(names: Iterable[str]) -> tuple[str, ...]:
        return tuple(new.part if name == old.part else name for name in names)

    if isinstance(item, Table):
        return {"columns": named(item.columns)}
    if isinstance(item, Constraint):
        return {"columns": named(item.columns), "include": named(item.include)}
    if isinstance(item, Index):
        return {"keys": tuple(_key(key, old, new) for key in item.keys)}
    return {}


def _key(key: Key, old: Address, new: Address) -> Key:
    return replace(key, column=new.part) if key.column == old.part else key


def _identity_schema(identity: Identity, at: Address, rename: Rename) -> dict[str, Any]:
    schema, name = schema_and_name(identity.sequence)
    if rename.kind == "schema":
        old, new = rename.before.name, rename.after.name
    elif at[1:3] == rename.before[1:3]:
        old, new = rename.before.schema, rename.after.schema
    else:
        return {}
    if schema != old:
        return {}
    return {"identity": replace(identity, sequence=qualified(new, name))}
