"""Columns, and what belongs to one: default, NOT NULL, identity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from limbeck.catalog.objects import Address, Column, Sequence, SequenceOptions
from limbeck.diff import comments, descent, handover, parts, sequences, sql
from limbeck.diff.casts import assignable, base, conversion, narrows
from limbeck.diff.parts import Default, Generator, Ownership, Part, Required
from limbeck.diff.situation import Alteration, Members, Situation
from limbeck.diff.steps import AddColumn, AlterColumn, DropColumn, Step

# The first majors that have ALTER COLUMN ... SET EXPRESSION and SET STORAGE DEFAULT.
SET_EXPRESSION = 17
STORAGE_DEFAULT = 16
GENERATED = {"s": "STORED", "v": "VIRTUAL"}
SERIALS = {"smallint": "smallserial", "integer": "serial", "bigint": "bigserial"}


def alter_table(column: Column | Address, *, only: bool = False) -> str:
    """Spell the ALTER TABLE of what belongs to a table."""
    name = column.name if isinstance(column, Address) else column.table
    return f"ALTER TABLE {'ONLY ' if only else ''}{sql.qualified(column.schema, name)}"


def whole(column: Column, members: Iterable[Part]) -> Column:
    """Put a column together again from the parts that are created with it."""
    own = [m for m in members if getattr(m, "column", None) == column]
    for part in own:
        if isinstance(part, Default):
            column = replace(column, default=part.expression)
        elif isinstance(part, Required):
            column = replace(column, not_null=part.constraint)
        elif isinstance(part, Generator):
            column = replace(column, identity=part.identity)
    return column


def serial(column: Column, members: Iterable[Part]) -> Sequence | None:
    """Return the sequence that makes a column a serial one, if all of it is created here."""
    for part in members:
        if isinstance(part, Ownership) and part.column == column.address:
            return part.sequence
    return None


def is_serial(column: Column, sequence: Sequence) -> bool:
    """Tell whether `serial` would have made just this sequence for the column."""
    if column.type not in SERIALS or sequence.comment or sequence.unlogged:
        return False
    name = sql.chosen_name(column.table, column.name, "seq")
    return (sequence.schema, sequence.name) == (column.schema, name) and (
        sequence.options == sequences.standard(column.type)
    )


def nextval(sequence: Address) -> str:
    """Spell the default of a serial column as Postgres does."""
    return f"nextval({sql.literal(sql.of(sequence))}::regclass)"


def definition(
    column: Column, sequence: Sequence | None, situation: Situation, *, keyed: bool = False
) -> str:
    """Spell a column as in CREATE TABLE; keyed: a primary key makes it NOT NULL anyway."""
    words = [sql.quote(column.name), SERIALS[column.type] if sequence else column.type]
    if column.collation:
        words.append(f"COLLATE {column.collation}")
    if column.generated:
        words.append(f"GENERATED ALWAYS AS ({column.default}) {GENERATED[column.generated]}")
    elif column.default is not None and not sequence:
        words.append(f"DEFAULT {column.default}")
    usual = situation.chooses(column)
    words.extend(_not_null(column, implied=keyed or bool(sequence), usual=usual))
    if column.identity:
        words.append(generator(column))
    return " ".join(words)


def _not_null(column: Column, *, implied: bool, usual: bool) -> Iterator[str]:
    required = column.not_null
    if required is None:
        return
    if usual and not required.no_inherit:
        if not implied and not column.identity:
            yield "NOT NULL"
        return
    yield f"CONSTRAINT {sql.quote(required.name or '')} NOT NULL"
    if required.no_inherit:
        yield "NO INHERIT"


def generator(column: Column) -> str:
    """Spell GENERATED ... AS IDENTITY with the options that are not the usual ones."""
    identity = column.identity
    if identity is None:
        return ""
    usual = sequences.standard(column.type)
    words = sequences.differences(usual, identity.options, with_type=False)
    schema, name = sql.unquoted(identity.sequence)
    if (schema, name) != (column.schema, sql.chosen_name(column.table, column.name, "seq")):
        words = [f"SEQUENCE NAME {identity.sequence}", *words]
    options = f" ({' '.join(words)})" if words else ""
    return f"GENERATED {_when(always=identity.always)} AS IDENTITY{options}"


def _when(*, always: bool) -> str:
    return "ALWAYS" if always else "BY DEFAULT"


def extras(column: Column) -> list[Step]:
    """Set what a column definition cannot say on every server."""
    blank = replace(column, storage=None, compression=None, statistics=None, options=())
    steps = _settings(blank, column, STORAGE_DEFAULT)
    if column.not_null is not None:
        steps += _not_null_comment(column)
    if column.comment is not None:
        steps.append(comments.on_column(column, column.address, column.comment, None))
    return steps


def _not_null_comment(column: Column, before: str | None = None) -> list[Step]:
    required = column.not_null
    if required is None or required.name is None or required.comment == before:
        return []
    table = sql.qualified(column.schema, column.table)
    name = f"CONSTRAINT {sql.quote(required.name)} ON {table}"
    return [comments.step(column.address, name, required.comment)]


def create(column: Column, members: Members, situation: Situation) -> list[Step]:
    """Add a column."""
    complete, sequence = whole(column, members), serial(column, members)
    note = None
    if complete.not_null and complete.default is None and not complete.identity and not sequence:
        note = "fails where the table has rows: NOT NULL without a default"
    text = f"{alter_table(column)} ADD COLUMN {definition(complete, sequence, situation)}"
    operation = AddColumn(complete, sequence)
    step = Step(text, "create", column.address, operation, note=note)
    return [step, *extras(complete), *handover.take_over(members, situation)]


def drop(column: Column, situation: Situation) -> list[Step]:
    """Drop a column; its rows' values are lost unless they are computed."""
    after = situation.after.found.get(column.address)
    if isinstance(after, Column) and handover.is_one(column, after, situation):
        return [handover.put_aside(column, situation)]
    only = descent.leaves_heirs(column.address, situation.before, situation.after)
    text = f"{alter_table(column, only=only)} DROP COLUMN {sql.quote(column.name)}"
    original = situation.before.catalog.objects.get(column.address, column)
    loses = None if column.generated else f"the values of {sql.of(column.address)}.{column.name}"
    operation = DropColumn(original if isinstance(original, Column) else column)
    return [Step(text, "drop", column.address, operation, loses=loses)]


def alter(before: Column, after: Column, situation: Situation) -> Alteration | None:
    """Alter a column; its type, collation and expression are hard on what uses it."""
    if before.generated != after.generated and (after.generated or before.generated == "v"):
        return None
    if handover.is_one(before, after, situation):
        return None
    major = situation.after.catalog.major
    if major < SET_EXPRESSION and after.generated and before.default != after.default:
        return None
    aside = before.address in situation.retyped
    hard = (before.type, before.collation) != (after.type, after.collation) or aside
    was, steps = before, list[Step]()
    before = descent.overtaken(before, after, situation)
    hard_here = (before.type, before.collation) != (after.type, after.collation)
    if not situation.after.parents(parts.owner(after.address)):
        hard_here = hard
    if before.generated != after.generated or (
        before.generated and before.default != after.default
    ):
        steps.append(_expression(before, after))
    if hard_here:
        steps.append(_retype(before, after, situation))
        before = replace(before, storage=None, compression=None)
    steps += _settings(before, after, major)
    if before.comment != after.comment:
        steps.append(comments.on_column(after, after.address, after.comment, before.comment))
    return Alteration(tuple(steps), hard or was.default != after.default)


def _alter_column(column: Column) -> str:
    return f"{alter_table(column)} ALTER COLUMN {sql.quote(column.name)}"


def _expression(_before: Column, after: Column) -> Step:
    text = f"SET EXPRESSION AS ({after.default})" if after.generated else "DROP EXPRESSION"
    return Step(f"{_alter_column(after)} {text}", "alter", after.address)


def _retype(before: Column, after: Column, situation: Situation) -> Step:
    text = f"{_alter_column(after)} SET DATA TYPE {after.type}"
    if after.collation or before.collation:
        text += f" COLLATE {after.collation}" if after.collation else ""
    using, note, loses = None, None, None
    aside = before.address in situation.retyped
    if not before.generated and (aside or not assignable(before.type, after.type)):
        using, note = conversion(before, after, aside=aside), "the cast can fail"
        text += f" USING {using}"
    if not before.generated and narrows(before.type, after.type):
        note = "values that do not fit are rounded or cut, or make this fail"
        loses = f"what of {sql.of(after.address)}.{after.name} does not fit {after.type}"
    original, target = _pair(before, after, situation, "type", "collation")
    operation = AlterColumn(original, target, using)
    return Step(text, "alter", after.address, operation, loses=loses, note=note)


def _pair(
    before: Column, after: Column, situation: Situation, *fields: str
) -> tuple[Column, Column]:
    """Return the column as it was, and the same with only some fields changed."""
    found = situation.before.catalog.objects.get(before.address)
    original = found if isinstance(found, Column) else before
    return original, replace(original, **{name: getattr(after, name) for name in fields})


def _usual_storage(column: Column, major: int) -> str:
    if major >= STORAGE_DEFAULT:
        return "DEFAULT"
    return "MAIN" if base(column.type) in {"numeric", "inet", "cidr"} else "EXTENDED"


def _settings(before: Column, after: Column, major: int) -> list[Step]:
    texts: list[str] = []
    if before.storage != after.storage:
        texts.append(f"SET STORAGE {after.storage or _usual_storage(after, major)}")
    if before.compression != after.compression:
        texts.append(f"SET COMPRESSION {after.compression or 'default'}")
    if before.statistics != after.statistics:
        target = -1 if after.statistics is None else after.statistics
        texts.append(f"SET STATISTICS {target}")
    if gone := set(sql.option_names(before.options)) - set(sql.option_names(after.options)):
        texts.append(f"RESET ({', '.join(sorted(gone))})")
    if new := [option for option in after.options if option not in before.options]:
        texts.append(f"SET ({sql.options(new)})")
    return [Step(f"{_alter_column(after)} {text}", "alter", after.address) for text in texts]


def create_default(part: Default, _members: Members, situation: Situation) -> list[Step]:
    """Set a default; the sequence of a new serial starts after what is there."""
    column = part.column
    text = f"{_alter_column(column)} SET DEFAULT {part.expression}"
    before, after = _default_pair(column, None, part.expression, situation)
    step = Step(text, "alter", column.address, AlterColumn(before, after))
    return [step, *_catch_up(part, situation)]


def _catch_up(part: Default, situation: Situation) -> list[Step]:
    for address in situation.after.needs[parts.sub(part.column.address, "default")]:
        sequence = situation.after.found.get(address)
        if not isinstance(sequence, Sequence) or address not in situation.created:
            continue
        if situation.kept(part.column.address) and part.expression == nextval(address):
            return [_setval(part.column, sql.of(address), sequence.options)]
    return []


def _setval(column: Column, sequence: str, options: SequenceOptions) -> Step:
    edge = "max" if options.increment > 0 else "min"
    sign = "+" if options.increment > 0 else "-"
    value = f"{edge}({sql.quote(column.name)}) {sign} {abs(options.increment)}"
    text = (
        f"SELECT pg_catalog.setval({sql.literal(sequence)}, coalesce({value}, {options.start}),"
        f" false)\nFROM {sql.qualified(column.schema, column.table)}"
    )
    return Step(text, "alter", column.address)


def _default_pair(
    column: Column, before: str | None, after: str | None, situation: Situation
) -> tuple[Column, Column]:
    found = situation.after.catalog.objects.get(column.address)
    if not isinstance(found, Column):
        found = column
    return replace(found, default=before), replace(found, default=after)


def drop_default(part: Default, situation: Situation) -> list[Step]:
    """Drop a default."""
    column = part.column
    before, after = _default_pair(column, part.expression, None, situation)
    operation = AlterColumn(before, after)
    return [Step(f"{_alter_column(column)} DROP DEFAULT", "alter", column.address, operation)]


def alter_default(before: Default, after: Default, situation: Situation) -> Alteration:
    """Set another default."""
    text = f"{_alter_column(after.column)} SET DEFAULT {after.expression}"
    pair = _default_pair(after.column, before.expression, after.expression, situation)
    step = Step(text, "alter", after.column.address, AlterColumn(*pair))
    return Alteration((step, *_catch_up(after, situation)))


def create_required(part: Required, _members: Members, situation: Situation) -> list[Step]:
    """Make a column NOT NULL."""
    column, required = part.column, part.constraint
    note = "fails where a row has NULL"
    before, after = _pair(column, replace(column, not_null=required), situation, "not_null")
    operation = AlterColumn(replace(before, not_null=None), after)
    usual = situation.chooses(replace(column, not_null=required))
    if usual and not required.no_inherit and required.validated:
        text = f"{_alter_column(column)} SET NOT NULL"
        step = Step(text, "alter", column.address, operation, note=note)
    else:
        text = f"{alter_table(column)} ADD CONSTRAINT {sql.quote(required.name or '')} NOT NULL "
        text += sql.quote(column.name)
        text += " NO INHERIT" if required.no_inherit else ""
        text += "" if required.validated else " NOT VALID"
        step = Step(text, "alter", column.address, note=note)
    return [step, *_not_null_comment(replace(column, not_null=required))]


def drop_required(part: Required, situation: Situation) -> list[Step]:
    """Let a column be NULL."""
    column = part.column
    before, after = _pair(column, column, situation, "not_null")
    operation = AlterColumn(replace(before, not_null=part.constraint), after)
    return [Step(f"{_alter_column(column)} DROP NOT NULL", "alter", column.address, operation)]


def alter_required(before: Required, after: Required, _situation: Situation) -> Alteration | None:
    """Rename, validate or comment on a NOT NULL."""
    old, new, column = before.constraint, after.constraint, after.column
    if old.no_inherit != new.no_inherit or (old.validated and not new.validated):
        return None
    if new.inherited and old.inherited:
        return Alteration()
    texts = []
    if old.name != new.name and old.name and new.name:
        texts.append(f"RENAME CONSTRAINT {sql.quote(old.name)} TO {sql.quote(new.name)}")
    if new.validated and not old.validated:
        texts.append(f"VALIDATE CONSTRAINT {sql.quote(new.name or '')}")
    steps = [Step(f"{alter_table(column)} {text}", "alter", column.address) for text in texts]
    steps += _not_null_comment(replace(column, not_null=new), old.comment)
    return Alteration(tuple(steps))


def create_generator(part: Generator, _members: Members, situation: Situation) -> list[Step]:
    """Make a column an identity; its sequence starts after what is there."""
    column, identity = part.column, part.identity
    text = f"{_alter_column(column)} ADD {generator(replace(column, identity=identity))}"
    steps = [Step(text, "alter", column.address)]
    if situation.kept(column.address):
        steps.append(_setval(column, identity.sequence, identity.options))
    return steps


def drop_generator(part: Generator, _situation: Situation) -> list[Step]:
    """Make an identity a plain column."""
    column = part.column
    return [Step(f"{_alter_column(column)} DROP IDENTITY", "alter", column.address)]


def alter_generator(before: Generator, after: Generator, _situation: Situation) -> Alteration:
    """Change an identity's options; its sequence follows the column's type by itself."""
    column, old, new = after.column, before.identity, after.identity
    steps: list[Step] = []
    if old.sequence != new.sequence:
        steps += sequences.rename(Address("sequence", *sql.unquoted(old.sequence)), new.sequence)
    words = [] if old.always == new.always else [f"SET GENERATED {_when(always=new.always)}"]
    options = sequences.retyped(old.options, new.options.type)
    changes = sequences.differences(options, new.options, with_type=False)
    if changes and sequences.narrows(old.options, new.options):
        options = old.options  # changed before the column's type
        changes = sequences.differences(options, new.options, with_type=False)
    words += [f"SET {word}" for word in changes]
    words += sequences.restart(options, new.options)
    if words:
        steps += sequences.bounded(new.sequence, options, new.options, column.address)
        steps.append(Step(f"{_alter_column(column)} {' '.join(words)}", "alter", column.address))
    return Alteration(tuple(steps))
