"""Triggers, rules and policies of tables and views."""

from __future__ import annotations

from dataclasses import replace

from limbeck.schema.catalog.objects.triggers import Policy, Rule, Trigger
from limbeck.schema.diff import sql, statements
from limbeck.schema.diff.operations import Execute
from limbeck.schema.diff.situation import Alteration, Members, Situation
from limbeck.schema.diff.steps import Step
from limbeck.schema.diff.targets import target
from limbeck.schema.sql.quoting import quote

ENABLED = {"O": "ENABLE", "D": "DISABLE", "R": "ENABLE REPLICA", "A": "ENABLE ALWAYS"}


def create(item: Trigger | Rule, _members: Members, _situation: Situation) -> list[Step]:
    """Create a trigger or a rule."""
    return statements.create(item, item.definition) + _enabled(replace(item, enabled="O"), item)


def alter(
    before: Trigger | Rule, after: Trigger | Rule, _situation: Situation
) -> Alteration | None:
    """Enable, disable or comment; any other change replaces the trigger or rule."""
    if before.definition != after.definition:
        return None
    return Alteration((*_enabled(before, after), *statements.comment(after, before.comment)))


def _enabled(before: Trigger | Rule, after: Trigger | Rule) -> list[Step]:
    if before.enabled == after.enabled:
        return []
    action = f"{ENABLED[after.enabled]} {type(after).__name__.upper()} {quote(after.name)}"
    text = f"{sql.alter_table(after.address)} {action}"
    return [Step(Execute(text, "alter", after.address))]


def create_policy(policy: Policy, _members: Members, _situation: Situation) -> list[Step]:
    """Create a policy."""
    words = [f"CREATE {target(policy)}"]
    if not policy.permissive:
        words.append("AS RESTRICTIVE")
    if policy.command != "ALL":
        words.append(f"FOR {policy.command}")
    if policy.roles != ("public",):
        words.append(f"TO {_roles(policy)}")
    words += _conditions(policy)
    return statements.create(policy, " ".join(words))


def _roles(policy: Policy) -> str:
    return ", ".join("public" if r == "public" else quote(r) for r in policy.roles)


def _conditions(policy: Policy) -> list[str]:
    pairs = (("USING", policy.using), ("WITH CHECK", policy.check))
    return [f"{word} ({text})" for word, text in pairs if text is not None]


def alter_policy(before: Policy, after: Policy, _situation: Situation) -> Alteration | None:
    """Alter a policy; ALTER POLICY can neither change its command nor remove a condition."""
    if (before.command, before.permissive) != (after.command, after.permissive):
        return None
    if (before.using and not after.using) or (before.check and not after.check):
        return None
    words = [] if before.roles == after.roles else [f"TO {_roles(after)}"]
    changed = replace(
        after,
        using=None if before.using == after.using else after.using,
        check=None if before.check == after.check else after.check,
    )
    words += _conditions(changed)
    steps = statements.alter(after, [" ".join(words)] if words else [])
    return Alteration((*steps, *statements.comment(after, before.comment)))
