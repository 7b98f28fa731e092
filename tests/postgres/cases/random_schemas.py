"""Random schemas: few names, so that two of them share much and differ in all that can differ.

Every schema loads. What one object takes from another (a column's enum, a view's table) is drawn
from what was made before it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from hypothesis import strategies as st

TABLES = ("a", "b", '"Select"', 'other."Größe"', f"other.{'t' * 63}")
COLUMNS = ("x", "y", "z", '"Ünique"', "c" * 63)
LABELS = ("one", "two", "three", "it''s")
# Each type with values that it may have.
VALUES = {
    "integer": ("1 + 1", "floor(2.5)::integer"),
    "bigint": ("7", "length('seven')"),
    "text": ("'t'", "CURRENT_USER"),
    "varchar(20)": ("'v'",),
    "numeric(8,2)": ("1.5",),
    "boolean": ("false",),
    "date": ("CURRENT_DATE",),
    "mood": ("'one'", "'one'::mood"),
    "posint": ("5",),
    "uuid": ("gen_random_uuid()",),
    "jsonb": ("'{}'",),
    "timestamp with time zone": ("now()",),
    "integer[]": ("'{1,2}'",),
    "mood[]": ("'{one}'",),
}
TYPES = (*VALUES, "pair", "span", "other.grade", "int4range")
NO_BTREE = {"jsonb"}
ACTIONS = ("NO ACTION", "RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT")
COMMANDS = ("ALL", "SELECT", "INSERT", "UPDATE", "DELETE")
BASE = """CREATE SCHEMA other;
CREATE TYPE other.grade AS ENUM ('low', 'high');
CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"""


@dataclass(frozen=True, slots=True)
class Made:
    """A table as it was made: its columns' types by name, which always begin with id."""

    name: str
    columns: dict[str, str]
    partitioned: bool = False
    views: list[str] = field(default_factory=list)

    @property
    def plain(self) -> str:
        """Its name as a part of another one."""
        return self.name.rpartition(".")[2].strip('"').lower()[:20]

    def sortable(self) -> list[str]:
        """Its columns that a btree index can have."""
        return [name for name, kind in self.columns.items() if kind not in NO_BTREE]


def some(draw: st.DrawFn, *texts: str) -> list[str]:
    """Return each of the texts, or not."""
    return [text for text in texts if draw(st.booleans())]


def one(draw: st.DrawFn, choices: Iterable[str]) -> str:
    """Return one of the choices."""
    return draw(st.sampled_from(tuple(choices)))


@st.composite
def schemas(draw: st.DrawFn) -> str:
    """The SQL of a random schema."""
    texts = [BASE, *types(draw), *functions(draw)]
    made: list[Made] = []
    for name in draw(st.lists(st.sampled_from(TABLES), unique=True, max_size=4)):
        texts += table(draw, name, made)
    for found in made:
        texts += rest(draw, found)
    texts += some(
        draw, "CREATE SEQUENCE counter INCREMENT 5 CACHE 3", "COMMENT ON SCHEMA other IS 'c'"
    )
    return ";\n".join(texts)


def types(draw: st.DrawFn) -> list[str]:
    """Make the types that columns may have."""
    labels = ["one", *draw(st.permutations(LABELS[1:]))[: draw(st.integers(0, 3))]]
    listed = ", ".join(f"'{label}'" for label in labels)
    base, least = one(draw, ("integer", "bigint")), draw(st.integers(0, 1))
    check = one(draw, ("", f"CHECK (VALUE > {least})", f"CONSTRAINT big CHECK (VALUE > {least})"))
    rest = " ".join(some(draw, "DEFAULT 3", "NOT NULL"))
    fields = ", ".join(["a integer", *some(draw, "b text", "c mood")])
    subtype = one(draw, ("integer", "date"))
    return [
        f"CREATE TYPE mood AS ENUM ({listed})",
        f"CREATE DOMAIN posint AS {base} {rest} {check}",
        f"CREATE TYPE pair AS ({fields})",
        f"CREATE TYPE span AS RANGE (subtype = {subtype})",
        *some(draw, "COMMENT ON TYPE mood IS 'how'", "COMMENT ON DOMAIN posint IS 'more'"),
    ]


def functions(draw: st.DrawFn) -> list[str]:
    """Make functions: one that expressions may call, and others."""
    kind, body = one(draw, ("integer", "bigint")), one(draw, ("$1 * 2", "$1 + $1"))
    strict = one(draw, ("", "STRICT"))
    double = f"CREATE FUNCTION double(integer) RETURNS {kind} {strict} IMMUTABLE LANGUAGE sql"
    return [
        f"{double} AS 'SELECT {body}'",
        *some(
            draw,
            "CREATE FUNCTION happy(m mood) RETURNS boolean LANGUAGE sql RETURN m = 'one'",
            "CREATE PROCEDURE done(INOUT n integer DEFAULT 1) LANGUAGE sql AS 'SELECT n'",
            "CREATE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '0')",
        ),
    ]


def column(draw: st.DrawFn, name: str, kind: str) -> str:
    """Spell a column."""
    words = [name, kind]
    if kind == "text" and draw(st.booleans()):
        words.append('COLLATE "C"')
    if kind in VALUES and draw(st.booleans()):
        words.append(f"DEFAULT {one(draw, VALUES[kind])}")
    words.append(one(draw, ("", "", "NOT NULL", 'CONSTRAINT "a name" NOT NULL')))
    return " ".join(words)


def table(draw: st.DrawFn, name: str, made: list[Made]) -> list[str]:
    """Make a table, an heir or a partitioned table with its partitions."""
    names = draw(st.lists(st.sampled_from(COLUMNS), unique=True, min_size=1))
    found = {column: one(draw, TYPES) for column in names}
    keys = ("serial", "integer", "bigserial", "integer GENERATED ALWAYS AS IDENTITY")
    keys += ("bigint GENERATED BY DEFAULT AS IDENTITY (START 10 INCREMENT 2 MAXVALUE 1000)",)
    lines = [f"id {one(draw, keys)} PRIMARY KEY"]
    named = iter(('CONSTRAINT "a name" NOT NULL', *[""] * len(found)))
    for each, kind in found.items():
        text = column(draw, each, kind)
        clash = 'CONSTRAINT "a name" NOT NULL'
        lines.append(text if clash not in text else text.replace(clash, next(named)))
    if draw(st.booleans()):
        how = one(draw, ("STORED", "VIRTUAL"))
        value = one(draw, ("id * 2", "id + 1") if how == "VIRTUAL" else ("id * 2", "double(1)"))
        lines.append(f"twice bigint GENERATED ALWAYS AS ({value}) {how}")
    result = Made(name, {"id": "integer", **found}, partitioned=draw(st.integers(0, 4)) == 0)
    head, tail = "CREATE TABLE", ""
    if result.partitioned:
        tail = f" PARTITION BY {one(draw, ('RANGE', 'LIST', 'HASH'))} (id)"
    elif draw(st.integers(0, 4)) == 0:
        tail = " WITH (fillfactor=70)"
    texts = [f"{head} {name} ({', '.join(lines)}){tail}"]
    if result.partitioned:
        texts += partitions(draw, result, tail)
    elif draw(st.integers(0, 4)) == 0:
        texts.append(f"CREATE TABLE heir_{result.plain} (own {one(draw, TYPES)}) INHERITS ({name})")
    texts += references(draw, result, made)
    made.append(result)
    return texts


def partitions(draw: st.DrawFn, parent: Made, by: str) -> list[str]:
    """Make partitions, before or after they belong to their table."""
    bounds = ("FOR VALUES FROM (0) TO (10)", "FOR VALUES FROM (10) TO (20)", "DEFAULT")
    if "LIST" in by:
        bounds = ("FOR VALUES IN (1, 2)", "FOR VALUES IN (3)", "DEFAULT")
    elif "HASH" in by:
        bounds = tuple(f"FOR VALUES WITH (MODULUS 3, REMAINDER {n})" for n in range(3))
    texts = []
    for number, bound in enumerate(bounds):
        name = f"{parent.plain}_{number}"
        if draw(st.booleans()):
            texts.append(f'CREATE TABLE "{name}" PARTITION OF {parent.name} {bound}')
            texts += some(
                draw,
                f'ALTER TABLE "{name}" ADD CHECK (id < 50)',
                f'CREATE INDEX ON "{name}" (id DESC)',
            )
    return texts


def references(draw: st.DrawFn, found: Made, made: list[Made]) -> list[str]:
    """Let a table refer to another one or to itself."""
    targets = [*(one.name for one in made), found.name]
    texts = []
    for number in range(draw(st.integers(0, 2))):
        target, delete = one(draw, targets), one(draw, ACTIONS)
        update = one(draw, ACTIONS)
        texts.append(f"ALTER TABLE {found.name} ADD ref{number} integer")
        how = one(draw, ("", "DEFERRABLE INITIALLY DEFERRED", "NOT VALID", "NOT ENFORCED"))
        if how == "NOT VALID" and found.partitioned:
            how = ""
        texts.append(
            f"ALTER TABLE {found.name} ADD FOREIGN KEY (ref{number}) REFERENCES {target}"
            f" ON DELETE {delete} ON UPDATE {update} {how}"
        )
    return texts


def rest(draw: st.DrawFn, found: Made) -> list[str]:
    """Make what stands on a table."""
    texts = [*checks(draw, found), *indexes(draw, found), *settings(draw, found)]
    texts += [*views(draw, found), *behaviours(draw, found)]
    return texts


def checks(draw: st.DrawFn, found: Made) -> list[str]:
    """Make unique, check and exclusion constraints."""
    table, name = f"ALTER TABLE {found.name}", one(draw, found.columns)
    valid = one(draw, ("", "NOT VALID", "NOT ENFORCED"))
    texts = some(
        draw,
        f"{table} ADD CHECK ({name} IS NOT NULL OR id > 5)",
        f'{table} ADD CONSTRAINT "a check" CHECK (double(id::integer) > 1) {valid}',
    )
    if found.partitioned:
        return texts
    key = one(draw, found.sortable())
    how = one(draw, ("", "DEFERRABLE", "WITH (fillfactor=80)"))
    nulls = one(draw, ("", "NULLS NOT DISTINCT"))
    texts += some(draw, f"{table} ADD UNIQUE {nulls} ({key}) INCLUDE (id) {how}")
    return texts + some(draw, f"{table} ADD EXCLUDE USING hash (id WITH =) WHERE (id > 3)")


def indexes(draw: st.DrawFn, found: Made) -> list[str]:
    """Make indexes and statistics."""
    key, order = one(draw, found.sortable()), one(draw, ("", "DESC", "NULLS FIRST"))
    where = one(draw, ("", f"WHERE {key} IS NOT NULL", "WHERE double(id::integer) > 3"))
    texts = some(
        draw,
        f"CREATE INDEX ON {found.name} ({key} {order}) {where}",
        f"CREATE INDEX {found.plain}_i ON {found.name} ((double(id::integer)), id) INCLUDE ({key})",
    )
    if found.partitioned:
        return texts
    both = f"CREATE STATISTICS {found.plain}_s ON id, {key} FROM {found.name}"
    return texts + (some(draw, both) if key != "id" else [])


def settings(draw: st.DrawFn, found: Made) -> list[str]:
    """Set and comment on what has no statement of its own."""
    table, (name, kind) = f"ALTER TABLE {found.name}", list(found.columns.items())[-1]
    texts = some(
        draw,
        f"COMMENT ON TABLE {found.name} IS 'what it''s for'",
        f"COMMENT ON COLUMN {found.name}.{name} IS 'note'",
        f"{table} ALTER {name} SET STATISTICS 50",
        f"{table} ENABLE ROW LEVEL SECURITY",
    )
    if kind == "text":
        texts += some(draw, f"{table} ALTER {name} SET STORAGE EXTERNAL")
    return texts


def views(draw: st.DrawFn, found: Made) -> list[str]:
    """Make views on a table and on each other."""
    name, keys = f"{found.plain}_view", ", ".join(list(found.columns)[: draw(st.integers(1, 3))])
    options = one(draw, ("", "WITH (security_barrier=true)"))
    where = one(draw, ("", "WHERE double(id::integer) > 3", "WHERE id > 3"))
    if not draw(st.booleans()):
        return []
    found.views.append(name)
    return [
        f'CREATE VIEW "{name}" {options} AS SELECT {keys} FROM {found.name} {where}',
        *some(
            draw,
            f'CREATE VIEW "{name}_too" AS SELECT count(*) AS n FROM "{name}"',
            f"COMMENT ON VIEW \"{name}\" IS 'seen'",
            f'CREATE MATERIALIZED VIEW "m{name}" AS SELECT * FROM "{name}";'
            f' CREATE INDEX "m{name}_i" ON "m{name}" (id)',
        ),
    ]


def behaviours(draw: st.DrawFn, found: Made) -> list[str]:
    """Make triggers, rules and policies."""
    time, event = (
        one(draw, ("BEFORE", "AFTER")),
        one(draw, ("INSERT", f"UPDATE OF {list(found.columns)[-1]}")),
    )
    when = one(draw, ("", "WHEN (NEW.id > 3)"))
    command, roles = one(draw, COMMANDS), one(draw, ("public", "CURRENT_USER"))
    last = list(found.columns)[-1]
    condition = f"({last} IS NOT NULL)"
    shown = f"WITH CHECK {condition}" if command == "INSERT" else f"USING {condition}"
    texts = some(
        draw,
        f"CREATE TRIGGER touch {time} {event} ON {found.name} FOR EACH ROW {when}"
        " EXECUTE FUNCTION touched()",
        f'CREATE POLICY "p p" ON {found.name} AS {one(draw, ("PERMISSIVE", "RESTRICTIVE"))}'
        f" FOR {command} TO {roles} {shown}",
        f"CREATE RULE quiet AS ON DELETE TO {found.name} WHERE OLD.id = 1 DO INSTEAD NOTHING",
    )
    if any("TRIGGER touch" in text for text in texts):
        texts += some(draw, f"ALTER TABLE {found.name} DISABLE TRIGGER touch")
    return texts
