"""Rules about whole tables: rewritten, emptied, moved; and the tables locked with them."""

from __future__ import annotations

from collections.abc import Iterator

from limbeck.lint.rules.change import Change
from limbeck.lint.rules.hazard import Finding, Level, Rule
from limbeck.lint.rules.simple import rewritten_relations
from limbeck.lint.trace.statement import strength


def _truncate(change: Change) -> Iterator[Finding]:
    if change.statement.tag == "TRUNCATE TABLE":
        for table in sorted(filter(change.is_table, change.rewritten)):
            yield Finding(table)


def _refresh_matview(change: Change) -> Iterator[Finding]:
    for oid in sorted(change.blocked):
        if change.before.relations[oid].kind == "m":
            plain = strength(change.mode(oid)) > strength("ExclusiveLock")
            yield Finding(oid, case="" if plain else "concurrently")


def _drop_fk_locks_both(change: Change) -> Iterator[Finding]:
    names = {now.name for _, now in change.constraints.values() if now}
    for constraint, now in change.constraints.values():
        if constraint is None or now is not None or constraint.kind != "f":
            continue
        other = constraint.other
        stays = other in change.after.relations and other != constraint.table
        # A change of type drops the key and creates it again under its name.
        if other in change.strong() and stays and constraint.name not in names:
            yield Finding(other, {"constraint": constraint})


def _fk_locks_referenced(change: Change) -> Iterator[Finding]:
    for was, new in change.constraints.values():
        if new is None or was or new.kind != "f" or new.parent:
            continue
        locked = new.other in change.strong() and new.other != new.table
        if locked and new.other not in change.blocked:
            level: Level = "warning" if change.exists(new.table) else "note"
            yield Finding(new.other, {"constraint": new}, level=level)


RULES = (
    Rule(
        "set-logged-unlogged",
        rewritten_relations(lambda was, now: was.persistence != now.persistence),
    ),
    Rule("set-tablespace", rewritten_relations(lambda was, now: was.space != now.space)),
    Rule(
        "set-access-method",
        rewritten_relations(lambda was, now: was.method != now.method),
    ),
    Rule(
        "vacuum-full-cluster",
        rewritten_relations(lambda was, now: was.space == now.space, "VACUUM", "CLUSTER"),
    ),
    Rule("truncate", _truncate),
    Rule("refresh-matview", _refresh_matview),
    Rule("drop-fk-locks-both", _drop_fk_locks_both),
    Rule("fk-locks-referenced", _fk_locks_referenced),
)
