"""Types and collations: enumerated, domains, composite, ranges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from limbeck.schema.catalog.objects.types import (
    Attribute,
    Collation,
    Composite,
    Domain,
    DomainCheck,
    Enum,
    Range,
)
from limbeck.schema.diff import sql, statements
from limbeck.schema.diff.column_operations import AlterDefault, AlterNotNull
from limbeck.schema.diff.operations import AddValue, AlterAttributeType, Comment, Execute
from limbeck.schema.diff.part import DomainRule
from limbeck.schema.diff.situation import Alteration, Members, Situation
from limbeck.schema.diff.steps import Step
from limbeck.schema.diff.targets import altering, target
from limbeck.schema.sql.quoting import literal, quote


def create_enum(enum: Enum, _members: Members, _situation: Situation) -> list[Step]:
    """Create an enumerated type."""
    labels = ", ".join(literal(label) for label in enum.labels)
    return statements.create(enum, f"CREATE {target(enum)} AS ENUM ({labels})")


def drop(item: Enum | Domain | Composite | Range | Collation, situation: Situation) -> list[Step]:
    """Drop a type or collation, under its temporary name if it has one."""
    name = situation.asides.get(item.address, item.name)
    text = f"DROP {target(replace(item, name=name))}"
    return [Step(Execute(text, "drop", item.address))]


def aside(item: Enum | Domain | Composite | Collation, situation: Situation) -> list[Step]:
    """Rename a type, so that its replacement can be created under its name."""
    name = situation.asides[item.address]
    return statements.alter(item, [f"RENAME TO {quote(name)}"], "rename")


def alter_enum(before: Enum, after: Enum, _situation: Situation) -> Alteration | None:
    """Add labels at their place; labels that are gone or in another order need another type."""
    if [label for label in after.labels if label in before.labels] != list(before.labels):
        return None
    there, steps = list(before.labels), list[Step]()
    for place, label in enumerate(after.labels):
        if label not in there:
            following = there[place] if place < len(there) else None
            steps.append(Step(AddValue(after, label, following)))
            there.insert(place, label)
    return Alteration((*steps, *statements.comment(after, before.comment)))


def create_domain(domain: Domain, members: Members, situation: Situation) -> list[Step]:
    """Create a domain."""
    words = [f"CREATE {target(domain)} AS {domain.type}"]
    if domain.collation:
        words.append(f"COLLATE {domain.collation}")
    if domain.default is not None:
        words.append(f"DEFAULT {domain.default}")
    if domain.not_null:
        words.append(_domain_not_null(domain, situation))
    rules = [member.check for member in members if isinstance(member, DomainRule)]
    words += [f"CONSTRAINT {quote(rule.name)} {rule.definition}" for rule in rules]
    steps = statements.create(domain, " ".join(words))
    for rule in rules:
        steps += _check_comment(domain, rule, None)
    return steps


def _domain_not_null(domain: Domain, situation: Situation) -> str:
    name = domain.not_null_name
    if name is None or situation.chooses_for(domain):
        return "NOT NULL"
    return f"CONSTRAINT {quote(name or '')} NOT NULL"


def alter_domain(before: Domain, after: Domain, situation: Situation) -> Alteration | None:
    """Alter a domain; another base type or collation needs another domain."""
    if (before.type, before.collation) != (after.type, after.collation):
        return None
    steps: list[Step] = []
    if before.default != after.default:
        steps.append(Step(AlterDefault(before, after)))
    if bool(before.not_null) != bool(after.not_null):
        plain = _domain_not_null(after, situation)
        usual = plain == "NOT NULL" or not after.not_null
        steps += [Step(AlterNotNull(before, after))] if usual else _altered(after, f"ADD {plain}")
    elif before.not_null_name != after.not_null_name and before.not_null_name:
        old, new = before.not_null_name, after.not_null_name or ""
        steps += _altered(after, f"RENAME CONSTRAINT {quote(old)} TO {quote(new)}")
    return Alteration((*steps, *statements.comment(after, before.comment)))


def create_check(part: DomainRule, _members: Members, _situation: Situation) -> list[Step]:
    """Add a check to a domain."""
    text = f"ADD CONSTRAINT {quote(part.check.name)} {part.check.definition}"
    return [*_altered(part.domain, text), *_check_comment(part.domain, part.check, None)]


def drop_check(part: DomainRule, _situation: Situation) -> list[Step]:
    """Drop a check of a domain."""
    return _altered(part.domain, f"DROP CONSTRAINT {quote(part.check.name)}")


def alter_check(before: DomainRule, after: DomainRule, _situation: Situation) -> Alteration | None:
    """Validate a check of a domain and comment on it."""
    old, new, steps = before.check, after.check, list[Step]()
    if old.definition not in {new.definition, f"{new.definition} NOT VALID"}:
        return None
    if old.definition != new.definition:
        steps += _altered(after.domain, f"VALIDATE CONSTRAINT {quote(new.name)}")
    return Alteration((*steps, *_check_comment(after.domain, new, old.comment)))


def _altered(domain: Domain, action: str) -> list[Step]:
    return statements.alter(domain, [action])


def _check_comment(domain: Domain, check: DomainCheck, before: str | None) -> list[Step]:
    if check.comment == before:
        return []
    on = f"CONSTRAINT {quote(check.name)} ON {target(domain)}"
    return [Step(Comment(on, check.comment, domain.address))]


def create_composite(item: Composite, _members: Members, _situation: Situation) -> list[Step]:
    """Create a composite type."""
    lines = [_attribute(attribute) for attribute in item.attributes]
    body = f"\n{sql.indented(lines)}\n" if lines else ""
    create = statements.create(item, f"CREATE {target(item)} AS ({body})")
    return [*create, *_attribute_comments(replace(item, attributes=()), item)]


def _attribute(attribute: Attribute) -> str:
    collation = f" COLLATE {attribute.collation}" if attribute.collation else ""
    return f"{quote(attribute.name)} {attribute.type}{collation}"


def _attribute_comments(before: Composite, after: Composite) -> Iterator[Step]:
    old = {attribute.name: attribute.comment for attribute in before.attributes}
    for attribute in after.attributes:
        if attribute.comment != old.get(attribute.name):
            yield statements.comment_on_part(after, attribute.name, attribute.comment, None)


def alter_composite(before: Composite, after: Composite, situation: Situation) -> Alteration | None:
    """Drop fields, append new ones, and change types of fields if no column has the type."""
    old = {attribute.name: attribute for attribute in before.attributes}
    new = {attribute.name: attribute for attribute in after.attributes}
    remaining = [name for name in old if name in new]
    if list(new)[: len(remaining)] != remaining:
        return None
    words, steps = [f"DROP ATTRIBUTE {quote(n)}" for n in old if n not in new], list[Step]()
    changed = [n for n in remaining if _attribute(old[n]) != _attribute(new[n])]
    if changed and used_by_rows(after, situation):
        return None
    words += [_altered_attribute(new[name]) for name in changed]
    words += [f"ADD ATTRIBUTE {_attribute(new[name])}" for name in new if name not in old]
    if words:
        loses = "the values of the dropped fields" if len(remaining) < len(old) else None
        text = f"{altering(after)} {', '.join(words)}"
        operation = AlterAttributeType if changed else Execute
        steps.append(Step(operation(text, "alter", after.address), loses=loses))
    steps += _attribute_comments(before, after)
    return Alteration((*steps, *statements.comment(after, before.comment)), hard=bool(words))


def _altered_attribute(attribute: Attribute) -> str:
    collation = f" COLLATE {attribute.collation}" if attribute.collation else ""
    name = quote(attribute.name)
    return f"ALTER ATTRIBUTE {name} SET DATA TYPE {attribute.type}{collation}"


def used_by_rows(item: Composite, situation: Situation) -> bool:
    """Return whether a type is the type of a column, a field or a domain."""
    users = situation.before.users[item.address]
    return any(user.kind in {"column", "composite", "domain", "range"} for user in users)


def create_range(item: Range, _members: Members, _situation: Situation) -> list[Step]:
    """Create a range type."""
    settings = {
        "subtype": item.subtype,
        "subtype_opclass": item.subtype_opclass,
        "collation": item.collation,
        "canonical": item.canonical,
        "subtype_diff": item.subtype_diff,
        "multirange_type_name": item.multirange,
    }
    body = ", ".join(f"{name} = {value}" for name, value in settings.items() if value)
    return statements.create(item, f"CREATE {target(item)} AS RANGE ({body})")


def create_collation(item: Collation, _members: Members, _situation: Situation) -> list[Step]:
    """Create a collation."""
    words = [f"provider = {item.provider}"]
    if item.locale is not None:
        words.append(f"locale = {literal(item.locale)}")
    elif item.lc_collate is not None and item.lc_collate == item.lc_ctype:
        words.append(f"locale = {literal(item.lc_collate)}")
    else:
        words.append(f"lc_collate = {literal(item.lc_collate or '')}")
        words.append(f"lc_ctype = {literal(item.lc_ctype or '')}")
    if not item.deterministic:
        words.append("deterministic = false")
    if item.rules is not None:
        words.append(f"rules = {literal(item.rules)}")
    return statements.create(item, f"CREATE {target(item)} ({', '.join(words)})")
