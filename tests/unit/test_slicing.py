"""What a diff leaves out of the catalogs: everything that the change has nothing to do with."""

from __future__ import annotations

from dataclasses import replace

import pytest

from limbeck.schema.catalog import store
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint, Reference
from limbeck.schema.catalog.objects.object import Object
from limbeck.schema.catalog.objects.routines import Function
from limbeck.schema.catalog.objects.schemas import Schema
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.objects.views import View
from limbeck.schema.catalog.parted import Parted
from limbeck.schema.catalog.relations import Relation
from limbeck.schema.diff import compare
from limbeck.schema.diff.reach import narrowed
from limbeck.schema.diff.slicing import sliced, whole


def chain(count: int) -> Catalog:
    """Return tables of which each refers to the one before it."""
    items: list[Object] = [Schema(name="public")]
    for n in range(count):
        name = f"t{n}"
        items.append(Table(schema="public", name=name, columns=("id", "before")))
        items += [
            Column(schema="public", table=name, name=column, type="integer", position=place)
            for place, column in enumerate(("id", "before"), 1)
        ]
        items.append(key(name, "pk", "p", "id"))
        if n:
            items.append(key(name, "fk", "f", "before", refers=f"t{n - 1}"))
    items.append(View(schema="public", name="v", definition="SELECT id FROM t5", columns=()))
    depends = {
        item.address: frozenset(edges)
        for item in items
        if isinstance(item, Constraint) and (edges := [*used(item)])
    }
    depends[Address("view", "public", "v")] = frozenset({Address("column", "public", "t5", "id")})
    return Catalog(180000, {item.address: item for item in items}, depends)


def key(table: str, name: str, type_: str, column: str, refers: str = "") -> Constraint:
    reference = Reference(table=Address("table", "public", refers), columns=("id",))
    return Constraint(
        schema="public",
        table=table,
        name=name,
        type=type_,
        definition="",
        columns=(column,),
        reference=reference if refers else None,
    )


def used(item: Constraint) -> list[Address]:
    own = [Address("column", "public", item.table, name) for name in item.columns]
    if item.reference is None:
        return own
    name = item.reference.table.name
    return [
        *own,
        Address("column", "public", name, "id"),
        Address("constraint", "public", name, "pk"),
    ]


def changed(catalog: Catalog, item: Object) -> Catalog:
    return replace(catalog, objects={**catalog.objects, item.address: item})


def slices(before: Catalog, after: Catalog) -> tuple[Catalog, Catalog]:
    return sliced(before, after, before.changes_to(after))


LATE = Column(schema="public", table="t8", name="late", type="text", position=3)


@pytest.mark.parametrize("count", [20, 1000])
def test_as_much_is_compared_of_a_thousand_tables_as_of_twenty(count: int) -> None:
    before, after = slices(chain(count), changed(chain(count), LATE))
    tables = {item.name for item in before.every(Table)}
    assert tables == {"t7", "t8"}  # its own, and the one that its key refers to
    assert set(after.objects) - set(before.objects) == {LATE.address}
    assert len(before.objects) == 10
    assert set(whole(before).objects) == set(chain(count).objects)


def test_whatever_uses_a_changed_column_stays() -> None:
    old = chain(20)
    column = Column(schema="public", table="t5", name="id", type="bigint", position=1)
    before, _ = slices(old, changed(old, column))
    assert {item.name for item in before.every(Table)} == {"t4", "t5", "t6"}
    assert {item.name for item in before.every(View)} == {"v"}
    # The keys of t6 refer to t5; that of t7 to t6 is nothing of this change.
    assert Address("constraint", "public", "t7", "fk") not in before.objects


def test_nothing_is_left_out_where_a_function_changes() -> None:
    old = chain(20)
    function = Function(schema="public", identity="f()", kind="f", definition="")
    before, after = slices(old, changed(old, function))
    assert before is old
    assert len(after.objects) == len(old.objects) + 1


def in_parts(catalog: Catalog) -> Catalog:
    """Return a catalog as the cache has it, of which nothing is built yet."""
    return store.loads(b"".join(store.parted(catalog)))


def built(catalog: Catalog) -> set[Relation]:
    """Return the relations of which objects were built."""
    return {name for name, part in Parted.of(catalog).parts.items() if part.is_built}


@pytest.mark.parametrize("number", [0, 7, 99])
def test_only_what_a_change_concerns_is_built(number: int) -> None:
    before = chain(100)
    column = Column(schema="public", table=f"t{number}", name="late", type="text", position=3)
    after = replace(before, objects={**before.objects, column.address: column})
    stored = in_parts(before)
    edges = {**stored.depends}
    stored = in_parts(before)
    part = Parted.of(stored).replaced((), [column], {})
    changed = replace(stored, objects=part, depends=part.depends())
    assert edges == before.depends
    assert changed.fingerprint() == after.fingerprint() != before.fingerprint()
    assert stored.changes_to(changed) == before.changes_to(after)
    assert compare.steps(stored, changed) == compare.steps(before, after)
    assert compare.steps(changed, stored) == compare.steps(after, before)
    assert len(built(changed) | built(stored)) < 8
    assert changed == after


def test_a_function_that_uses_a_table_is_compared_with_everything() -> None:
    before = chain(9)
    function = Function(
        schema="public",
        kind="f",
        identity="f()",
        definition="CREATE FUNCTION public.f() RETURNS SETOF public.t3",
    )
    edges = {function.address: frozenset({Address("table", "public", "t3")})}
    objects = {**before.objects, function.address: function}
    before = replace(before, objects=objects, depends={**before.depends, **edges})
    column = Column(schema="public", table="t3", name="late", type="text", position=3)
    after = replace(before, objects={**objects, column.address: column})
    ends = in_parts(before), in_parts(after)
    assert narrowed(*ends) == ends
    assert compare.steps(*ends) == compare.steps(before, after)
