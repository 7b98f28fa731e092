"""Constraints of tables, and indexes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from limbeck.schema.catalog.names import of
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.diff import bridges, descent, index_definitions, sql, statements, unproven
from limbeck.schema.diff.operations import (
    AddConstraint,
    CreateIndex,
    DropConstraint,
    DropIndex,
    Execute,
    Operation,
    ValidateConstraint,
)
from limbeck.schema.diff.part import owner
from limbeck.schema.diff.parts import Parts
from limbeck.schema.diff.situation import Alteration, Members, Situation
from limbeck.schema.diff.steps import Step
from limbeck.schema.sql import forms
from limbeck.schema.sql.quoting import qualified, quote

# The words of a constraint's definition that ALTER TABLE can change.
STATES = re.compile(
    r"( NOT VALID| (NOT )?DEFERRABLE| INITIALLY (DEFERRED|IMMEDIATE)| NOT ENFORCED)"
)
WITH = re.compile(r" WITH \(([^)]*)\)")


def definition(constraint: Constraint) -> str:
    """Return a constraint as CREATE TABLE takes it."""
    return f"CONSTRAINT {quote(constraint.name)} {constraint.definition}"


def create(constraint: Constraint, _members: Members, situation: Situation) -> list[Step]:
    """Add a constraint; a partition's copy of a check that is not valid is validated instead."""
    if unproven.outlives(constraint, situation.after, situation.created.__contains__):
        return [Step(ValidateConstraint(constraint.name, constraint.address))]
    if bridges.leads(constraint, situation):
        return [*bridges.added(constraint, definition(constraint)), *extras(constraint)]
    if attached := _attached(constraint, situation):
        text = f"{sql.alter_table(constraint.address, only=True)} ADD {definition(constraint)}"
        only = Step(Execute(text, "create", constraint.address))
        return [only, *attached, *extras(constraint)]
    return [Step(AddConstraint(constraint)), *extras(constraint)]


def _attached(item: Constraint | Index, situation: Situation) -> list[Step]:
    """Return the steps that attach the partitions' indexes to one that is created ON ONLY."""
    after, name = situation.after, item.name
    if item.address not in after.explicit:
        return []
    head = f"ALTER INDEX {qualified(item.schema, name)} ATTACH PARTITION"
    below = (after.get(at) for at in after.explicit if descent.attached(after, at) == item.address)
    names = sorted(qualified(i.schema, i.name) for i in below if isinstance(i, Constraint | Index))
    return [Step(Execute(f"{head} {each}", "alter", item.address)) for each in names]


def extras(constraint: Constraint) -> list[Step]:
    """Return the steps for what a constraint's definition cannot say: marks and a comment."""
    steps = _marks(constraint, clustered=False, replica=False)
    return steps + statements.comment(constraint)


def _marks(item: Constraint | Index, *, clustered: bool, replica: bool) -> list[Step]:
    table = item.table if isinstance(item, Index) else owner(item.address)
    kind = "MATERIALIZED VIEW" if table.kind == "view" else "TABLE"
    name, actions = quote(item.name), list[str]()
    if item.clustered and not clustered:
        actions.append(f"CLUSTER ON {name}")
    if clustered and not item.clustered:
        actions.append("SET WITHOUT CLUSTER")
    if item.replica_identity and not replica:
        actions.append(f"REPLICA IDENTITY USING INDEX {name}")
    texts = (f"ALTER {kind} {of(table)} {action}" for action in actions)
    return [Step(Execute(text, "alter", item.address)) for text in texts]


def drop(constraint: Constraint, situation: Situation) -> list[Step]:
    """Drop a constraint."""
    if lost_by_detaching(constraint, situation):
        text = f"{sql.alter_table(constraint.address)} DROP CONSTRAINT IF EXISTS"
        name = quote(constraint.name)
        return [Step(Execute(f"{text} {name}", "drop", constraint.address))]
    only = descent.leaves_heirs(constraint.address, situation.before, situation.after)
    return [Step(DropConstraint(constraint, only))]


def lost_by_detaching(constraint: Constraint, situation: Situation) -> bool:
    """Return whether a major drops a partition's foreign key when it detaches the partition.

    It is one that refers to the partitioned table itself. Newer majors keep it, as all others.
    """
    if constraint.type != "f" or forms.DETACHED_FOREIGN_KEYS.exists(situation.major):
        return False
    table = owner(constraint.address)
    parents = situation.before.parents(table)
    reference = constraint.reference and constraint.reference.table
    return reference in parents and parents != situation.after.parents(table)


def alter(before: Constraint, after: Constraint, situation: Situation) -> Alteration | None:
    """Change the state, the marks or the comment of a constraint."""
    same = replace(
        before,
        definition=after.definition,
        validated=after.validated,
        comment=after.comment,
        clustered=after.clustered,
        replica_identity=after.replica_identity,
        inherited=after.inherited,
    )
    if same != after or STATES.sub("", before.definition) != STATES.sub("", after.definition):
        return None
    if (before.validated or not before.enforced) and after.enforced and not after.validated:
        return None  # ALTER CONSTRAINT ... ENFORCED would validate it
    states = _states(before, after)
    if states is None:
        return None
    steps = [] if _follows(after, situation) else states
    steps += _marks(after, clustered=before.clustered, replica=before.replica_identity)
    return Alteration((*steps, *statements.comment(after, before.comment)))


def _follows(after: Constraint, situation: Situation) -> bool:
    """Return whether a partition's copy changes together with the constraint of the parent."""
    above = descent.counterpart(situation.after, after.address) if after.inherited else None
    if above is None or situation.before.get(above) == situation.after[above]:
        return False
    return situation.created.isdisjoint(descent.ties(owner(after.address), situation.after))


def _states(before: Constraint, after: Constraint) -> list[Step] | None:
    """Return the steps that change the state; None if Postgres cannot change it."""
    alter, address = f"{sql.alter_table(after.address)} ALTER CONSTRAINT", after.address
    steps: list[Step] = []
    deferral = (before.deferrable, before.deferred) != (after.deferrable, after.deferred)
    enforced = before.enforced != after.enforced
    if (deferral or enforced) and after.type != "f":
        return None
    if deferral:
        how = "DEFERRABLE" if after.deferrable else "NOT DEFERRABLE"
        how += " INITIALLY DEFERRED" if after.deferred else ""
        steps.append(Step(Execute(f"{alter} {quote(after.name)} {how}", "alter", address)))
    if enforced:
        how = "ENFORCED" if after.enforced else "NOT ENFORCED"
        steps.append(Step(Execute(f"{alter} {quote(after.name)} {how}", "alter", address)))
    elif after.validated and not before.validated:
        steps.append(Step(ValidateConstraint(after.name, address)))
    return steps


def create_index(index: Index, _members: Members, situation: Situation) -> list[Step]:
    """Create an index."""
    create: Operation = CreateIndex(index)
    attached = _attached(index, situation)
    if attached:
        create = Execute(index_definitions.only(index.definition), "create", index.address)
    steps = [Step(create), *attached, *_targets(replace(index, statistics=()), index)]
    steps += _marks(index, clustered=False, replica=False)
    return steps + statements.comment(index)


def drop_index(index: Index, situation: Situation) -> list[Step]:
    """Drop an index; with CASCADE if a key of a partition belongs to it, which goes as well."""
    if any(address.kind == "constraint" for address in _below(index.address, situation.before)):
        text = f"{DropIndex(index).sql} CASCADE"
        return [Step(Execute(text, "drop", index.address))]
    return [Step(DropIndex(index))]


def _below(index: Address, parts: Parts) -> Iterator[Address]:
    """Yield the partitions' indexes and keys that belong to an index, and those below them."""
    item = parts[index]
    tables = parts.children[descent.table_of(item)] if isinstance(item, Index | Constraint) else ()
    for table in tables:
        for address in parts.users[table]:
            if descent.attached(parts, address) == index:
                yield address
                yield from _below(address, parts)


def alter_index(before: Index, after: Index, situation: Situation) -> Alteration | None:
    """Change an index's storage parameters, marks, targets and comment."""
    bare = [WITH.sub("", item.definition) for item in (before, after)]
    if bare[0] != bare[1] or before.table != after.table or (after.valid and not before.valid):
        return None
    texts: list[str] = []
    if before.options != after.options:
        # All are set again: a SET of one would change their order in the definition.
        if before.options:
            texts.append(f"RESET ({', '.join(sql.option_names(before.options))})")
        if match := WITH.search(after.definition):
            texts.append(f"SET ({match[1]})")
    steps = statements.alter(after, texts)
    if after.parent and after.parent != before.parent:
        if before.parent or situation.created & {after.parent}:
            return None if before.parent else Alteration(tuple(steps))
        text = f"ALTER INDEX {of(after.parent)} ATTACH PARTITION {of(after.address)}"
        steps.append(Step(Execute(text, "alter", after.address)))
    steps += _targets(before, after)
    steps += _marks(after, clustered=before.clustered, replica=before.replica_identity)
    return Alteration((*steps, *statements.comment(after, before.comment)))


def _targets(before: Index, after: Index) -> list[Step]:
    old, new = dict(before.statistics), dict(after.statistics)
    numbers = sorted(old.keys() | new.keys())
    changed = [(n, new.get(n, -1)) for n in numbers if old.get(n) != new.get(n)]
    return statements.alter(after, [f"ALTER COLUMN {n} SET STATISTICS {to}" for n, to in changed])
