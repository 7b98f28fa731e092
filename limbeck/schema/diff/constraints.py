"""Constraints of tables, and indexes."""

from __future__ import annotations

import re
from dataclasses import replace

from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.diff import comments, descent, sql, unproven
from limbeck.schema.diff.part import owner
from limbeck.schema.diff.situation import Alteration, Members, Situation
from limbeck.schema.diff.steps import AddConstraint, CreateIndex, DropConstraint, DropIndex, Step

STATES = re.compile(
    r"( NOT VALID| (NOT )?DEFERRABLE| INITIALLY (DEFERRED|IMMEDIATE)| NOT ENFORCED)"
)
WITH = re.compile(r" WITH \(([^)]*)\)")
HEAD = re.compile(r'^(CREATE (?:UNIQUE )?INDEX )((?:"(?:[^"]|"")*")|\S+)( ON )(?:ONLY )?')


def definition(constraint: Constraint) -> str:
    """Spell a constraint as in CREATE TABLE."""
    return f"CONSTRAINT {sql.quote(constraint.name)} {constraint.definition}"


def create(constraint: Constraint, _members: Members, situation: Situation) -> list[Step]:
    """Add a constraint."""
    if unproven.outlives(constraint, situation.after, situation.created.__contains__):
        text = f"{_table(constraint, situation)} VALIDATE CONSTRAINT {sql.quote(constraint.name)}"
        return [Step(text, "alter", constraint.address)]
    text = f"{_table(constraint, situation)} ADD {definition(constraint)}"
    step = Step(text, "create", constraint.address, AddConstraint(constraint))
    return [step, *extras(constraint)]


def _table(constraint: Constraint, _situation: Situation) -> str:
    return sql.alter_table(owner(constraint.address))


def extras(constraint: Constraint) -> list[Step]:
    """Say what a constraint's definition cannot."""
    steps = _marks(constraint, clustered=False, replica=False)
    return steps + comments.on(constraint)


def _marks(item: Constraint | Index, *, clustered: bool, replica: bool) -> list[Step]:
    table = item.table if isinstance(item, Index) else owner(item.address)
    is_view, steps = table.kind == "view", list[Step]()
    alter = f"ALTER {'MATERIALIZED VIEW' if is_view else 'TABLE'} {sql.of(table)}"
    name = sql.quote(item.name)
    if item.clustered and not clustered:
        steps.append(Step(f"{alter} CLUSTER ON {name}", "alter", item.address))
    if clustered and not item.clustered:
        steps.append(Step(f"{alter} SET WITHOUT CLUSTER", "alter", item.address))
    if item.replica_identity and not replica:
        text = f"{alter} REPLICA IDENTITY USING INDEX {name}"
        steps.append(Step(text, "alter", item.address))
    return steps


def drop(constraint: Constraint, situation: Situation) -> list[Step]:
    """Drop a constraint."""
    only = descent.leaves_heirs(constraint.address, situation.before, situation.after)
    table = sql.alter_table(owner(constraint.address), only=only)
    text = f"{table} DROP CONSTRAINT {sql.quote(constraint.name)}"
    return [Step(text, "drop", constraint.address, DropConstraint(constraint))]


def alter(before: Constraint, after: Constraint, situation: Situation) -> Alteration | None:
    """Validate a constraint, defer a foreign key, mark and comment."""
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
        return None  # ALTER CONSTRAINT ... ENFORCED validates it
    texts = _states(before, after)
    if texts is None:
        return None
    if _follows(after, situation):
        texts = []
    name, table = sql.quote(after.name), sql.alter_table(owner(after.address))
    steps = [Step(f"{table} {text.format(name)}", "alter", after.address) for text in texts]
    steps += _marks(after, clustered=before.clustered, replica=before.replica_identity)
    return Alteration((*steps, *comments.on(after, before.comment)))


def _follows(after: Constraint, situation: Situation) -> bool:
    """Tell whether a constraint changes with the one above that it is, and stays, a copy of."""
    above = descent.counterpart(situation.after, after.address) if after.inherited else None
    if above is None or situation.before.found.get(above) == situation.after[above]:
        return False
    return situation.created.isdisjoint(descent.ties(owner(after.address), situation.after))


def _states(before: Constraint, after: Constraint) -> list[str] | None:
    texts = []
    deferral = (before.deferrable, before.deferred) != (after.deferrable, after.deferred)
    enforced = before.enforced != after.enforced
    if (deferral or enforced) and after.type != "f":
        return None
    if deferral:
        how = "DEFERRABLE" if after.deferrable else "NOT DEFERRABLE"
        how += " INITIALLY DEFERRED" if after.deferred else ""
        texts.append(f"ALTER CONSTRAINT {{}} {how}")
    if enforced:
        texts.append(f"ALTER CONSTRAINT {{}} {'ENFORCED' if after.enforced else 'NOT ENFORCED'}")
    elif after.validated and not before.validated:
        texts.append("VALIDATE CONSTRAINT {}")
    return texts


def nameless(text: str | None) -> str | None:
    """Return an index's definition without its name."""
    return None if text is None else HEAD.sub(r"\1\3", text)


def create_index(index: Index, _members: Members, _situation: Situation) -> list[Step]:
    """Create an index; on a partitioned table it reaches the partitions too."""
    text = HEAD.sub(r"\1\2\3", index.definition)
    steps = [Step(text, "create", index.address, CreateIndex(index))]
    for number, target in index.statistics:
        steps.append(_target(index, number, target))
    steps += _marks(index, clustered=False, replica=False)
    return steps + comments.on(index)


def _target(index: Index, number: int, target: int) -> Step:
    text = f"ALTER INDEX {sql.of(index.address)} ALTER COLUMN {number} SET STATISTICS {target}"
    return Step(text, "alter", index.address)


def drop_index(index: Index, _situation: Situation) -> list[Step]:
    """Drop an index."""
    text = f"DROP INDEX {sql.of(index.address)}"
    return [Step(text, "drop", index.address, DropIndex(index))]


def alter_index(before: Index, after: Index, situation: Situation) -> Alteration | None:
    """Change an index's storage parameters, marks, targets and comment."""
    bare = [WITH.sub("", item.definition) for item in (before, after)]
    if bare[0] != bare[1] or before.table != after.table or (after.valid and not before.valid):
        return None
    name, address, texts = sql.of(after.address), after.address, list[str]()
    if before.options != after.options:
        # All of them anew: SET would leave them in another order than the definition's.
        if before.options:
            texts.append(f"RESET ({', '.join(sql.option_names(before.options))})")
        if found := WITH.search(after.definition):
            texts.append(f"SET ({found[1]})")
    steps = [Step(f"ALTER INDEX {name} {text}", "alter", address) for text in texts]
    if after.parent and after.parent != before.parent:
        if before.parent or situation.created & {after.parent}:
            return None if before.parent else Alteration(tuple(steps))
        text = f"ALTER INDEX {sql.of(after.parent)} ATTACH PARTITION {name}"
        steps.append(Step(text, "alter", address))
    steps += _targets(before, after)
    steps += _marks(after, clustered=before.clustered, replica=before.replica_identity)
    return Alteration((*steps, *comments.on(after, before.comment)))


def _targets(before: Index, after: Index) -> list[Step]:
    old, new = dict(before.statistics), dict(after.statistics)
    numbers = sorted(old.keys() | new.keys())
    changed = [number for number in numbers if old.get(number) != new.get(number)]
    return [_target(after, number, new.get(number, -1)) for number in changed]


def rename(address: Address, table: Address | None, name: str) -> Step:
    """Give a constraint or an index another name."""
    if table is not None:
        old = sql.quote(address.part)
        text = f"{sql.alter_table(table)} RENAME CONSTRAINT {old} TO {sql.quote(name)}"
    else:
        text = f"ALTER INDEX {sql.of(address)} RENAME TO {sql.quote(name)}"
    return Step(text, "rename", address)
