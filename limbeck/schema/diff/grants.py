"""GRANT, REVOKE and ALTER DEFAULT PRIVILEGES."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from limbeck.schema.catalog.names import of
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.grants import DefaultGrant, Grant
from limbeck.schema.catalog.queries.privileges import BUILT_IN, OF_TABLES, PUBLIC
from limbeck.schema.diff.operations import Execute
from limbeck.schema.diff.part import Generator
from limbeck.schema.diff.parts import Parts
from limbeck.schema.diff.situation import Alteration, Members, Situation
from limbeck.schema.diff.steps import Step
from limbeck.schema.sql import forms
from limbeck.schema.sql.quoting import quote, schema_and_name

WORDS = {
    "column": "TABLE",
    "table": "TABLE",
    "view": "TABLE",
    "sequence": "SEQUENCE",
    "function": "ROUTINE",
    "schema": "SCHEMA",
    "foreign_data_wrapper": "FOREIGN DATA WRAPPER",
    "server": "FOREIGN SERVER",
}
# The built-in privileges of PUBLIC on new functions and types, which can be revoked by default.
BY_DEFAULT = {"function": ("EXECUTE",), "type": ("USAGE",)}
# The kinds of objects that default privileges on a kind apply to.
APPLIES_TO = {
    "table": {"table", "view"},
    "sequence": {"sequence"},
    "function": {"function"},
    "type": {"enum", "domain", "composite", "range"},
    "schema": {"schema"},
    "large object": set(),
}


def create(grant: Grant | DefaultGrant, _members: Members, situation: Situation) -> list[Step]:
    """Grant privileges that PUBLIC does not have already."""
    return changes(_usual(grant), grant, "create", situation.major)


def drop(grant: Grant | DefaultGrant, situation: Situation) -> list[Step]:
    """Revoke what was granted, and restore what PUBLIC has by default."""
    usual = _usual(grant)
    return [*changes(grant, usual, "drop", situation.major), *_again(grant, usual, situation)]


def alter(
    before: Grant | DefaultGrant, after: Grant | DefaultGrant, situation: Situation
) -> Alteration:
    """Grant the new privileges, and revoke those that are gone."""
    steps = changes(before, after, "alter", situation.major)
    return Alteration((*steps, *_again(before, after, situation)))


def _again(
    before: Grant | DefaultGrant, after: Grant | DefaultGrant, situation: Situation
) -> Iterator[Step]:
    """Yield grants of what a role keeps on columns: a REVOKE on their table takes that, too."""
    if isinstance(before, DefaultGrant) or before.target.kind not in APPLIES_TO["table"]:
        return
    anew = _begins_anew(before, after, situation.major)
    gone = {*before.privileges} - (set() if anew else {*after.privileges})
    fixed = {*before.grantable} - {*after.grantable}
    for address in sorted(situation.after.users.get(before.target, ())):
        former, part = situation.before.get(address), situation.after[address]
        if not (isinstance(former, Grant) and isinstance(part, Grant)):
            continue
        if part.target.kind == "column" and part.grantee == before.grantee:
            # Its own change may have come before.
            left = _only(part, {*part.privileges} - gone, {*part.grantable} - gone - fixed)
            yield from changes(left, part, "alter", situation.major)


def _only(grant: Grant, privileges: AbstractSet[str], grantable: AbstractSet[str]) -> Grant:
    return replace(
        grant,
        privileges=tuple(each for each in grant.privileges if each in privileges),
        grantable=tuple(each for each in grant.grantable if each in grantable),
    )


def taken_back(situation: Situation) -> dict[Address, list[Step]]:
    """Return revocations of default privileges that created objects get but must not have.

    They are given by the part that is created. Only privileges that are the default on both sides
    count: others do not apply yet when the object is created, or no longer.
    """
    before, after = situation.before, situation.after
    defaults = [
        part
        for address, part in after.by_address.items()
        if isinstance(part, DefaultGrant) and not part.role and address in before
    ]
    steps: dict[Address, list[Step]] = {}
    for part, address in _objects(sorted(situation.created), after):
        for default in defaults:
            if address.kind not in APPLIES_TO[default.on] or default.schema not in {
                "",
                address.schema,
            }:
                continue
            given = Grant(target=address, grantee=default.grantee, privileges=default.privileges)
            if given.address not in after:
                revoked = changes(given, _usual(given), "alter", situation.major)
                steps.setdefault(part, []).extend(revoked)
    return steps


def _objects(created: Sequence[Address], after: Parts) -> Iterator[tuple[Address, Address]]:
    """Yield created parts, each with its own address or that of its identity's sequence."""
    for address in created:
        part = after[address]
        if isinstance(part, Generator):
            yield address, Address("sequence", *schema_and_name(part.identity.sequence))
        else:
            yield address, address


def _usual(grant: Grant | DefaultGrant) -> Grant | DefaultGrant:
    if isinstance(grant, Grant):
        built_in = BUILT_IN.get(grant.target.kind, ())
    else:
        built_in = BY_DEFAULT.get(grant.on, ()) if not grant.schema else ()
    return replace(grant, privileges=built_in if grant.grantee == PUBLIC else (), grantable=())


def changes(
    before: Grant | DefaultGrant, after: Grant | DefaultGrant, verb: str, major: int
) -> list[Step]:
    """Return the GRANT and REVOKE that lead from some privileges of a role to others.

    Args:
        before: The privileges that the role has.
        after: Those that it must have.
        verb: What the steps do to the grant: create, alter or drop.
        major: The lowest major that must accept the statements.

    """
    if _begins_anew(before, after, major):
        # What remains is granted again: no list of an older major can name MAINTAIN to revoke it.
        nothing = replace(after, privileges=(), grantable=())
        return [*changes(before, nothing, verb, major), *changes(nothing, after, verb, major)]
    who = after.grantee if after.grantee == PUBLIC else quote(after.grantee)
    gone = [each for each in before.privileges if each not in after.privileges]
    retained = [each for each in before.grantable if each not in (*gone, *after.grantable)]
    new = [each for each in after.privileges if each not in before.privileges]
    grantable = [each for each in after.grantable if each not in before.grantable]
    plain = [each for each in new if each not in grantable]
    lists = (
        ("REVOKE {} FROM {}", gone),
        ("REVOKE GRANT OPTION FOR {} FROM {}", retained),
        ("GRANT {} TO {}", plain),
        ("GRANT {} TO {} WITH GRANT OPTION", grantable),
    )
    texts = [
        form.format(_on(after, _stated(names, after, major)), who) for form, names in lists if names
    ]
    prefix = _prefix(after) if isinstance(after, DefaultGrant) else ""
    return [Step(Execute(prefix + text, verb, after.address)) for text in texts]


def _begins_anew(before: Grant | DefaultGrant, after: Grant | DefaultGrant, major: int) -> bool:
    """Return whether all privileges are revoked, and those that remain are granted again."""
    return _is_all(before, major) and bool(after.privileges) and not _is_all(after, major)


def _is_all(grant: Grant | DefaultGrant, major: int) -> bool:
    """Return whether a grant has all privileges on a table, of which newer majors have more."""
    kind = grant.on if isinstance(grant, DefaultGrant) else grant.target.kind
    every = kind in APPLIES_TO["table"] and sorted(grant.privileges) == list(OF_TABLES)
    return every and not forms.MAINTAIN.exists(major)


def _stated(names: list[str], grant: Grant | DefaultGrant, major: int) -> list[str]:
    return ["ALL"] if _is_all(replace(grant, privileges=tuple(names)), major) else names


def _on(grant: Grant | DefaultGrant, privileges: Sequence[str]) -> str:
    if isinstance(grant, DefaultGrant):
        return f"{', '.join(privileges)} ON {grant.on.upper()}S"
    target = grant.target
    words = WORDS.get(target.kind, "TYPE")
    if target.kind == "column":
        privileges = [f"{each} ({quote(target.part)})" for each in privileges]
    name = f"{quote(target.schema)}.{target.name}" if words == "ROUTINE" else of(target)
    return f"{', '.join(privileges)} ON {words} {name}"


def _prefix(grant: DefaultGrant) -> str:
    role = f"FOR ROLE {quote(grant.role)} " if grant.role else ""
    schema = f"IN SCHEMA {quote(grant.schema)} " if grant.schema else ""
    return f"ALTER DEFAULT PRIVILEGES {role}{schema}"
