"""The text of a data revision: rows of a table that change in batches, each in a transaction."""

from __future__ import annotations

import difflib

from limbeck.dataclass import dataclass
from limbeck.errors import ConfigurationError
from limbeck.generate.rendering.body import Body
from limbeck.models.source.text import escaped
from limbeck.plurals import counted
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.sql import quoting

CONSTANTS = """

BATCH = 5_000  # rows that are locked together, for as long as their batch takes
# EDIT: the rows that need the change, such as {column} IS NULL. It must be false for those that
# have it, because a run that was killed is repeated.
NEEDS = {needs}
# EDIT: what they get, such as {column} = 'new'.
CHANGE = {change}"""

# The loop runs on the server: one statement for plain Alembic, --sql and limbeck's ledger alike,
# and no round trip for each batch. A loop in Python would be skipped up to the interrupted step,
# and go on with variables that no answer has set. Each batch begins at the first row that needs the
# change, so the rows decide where a repeated run goes on. It ends at a key: for a list of keys,
# Postgres reads the whole table once a batch (a million rows: 195 s instead of 16). NEEDS stands in
# the UPDATE as well, where it is evaluated again for a row that somebody else changes meanwhile.
UPGRADE = """\
with op.get_context().autocommit_block():
    op.execute(
        f\"\"\"
        DO $batches$
        DECLARE
            batch_first record;
            batch_last record;
        BEGIN
            SELECT {key} INTO batch_first FROM {table} WHERE ({{NEEDS}}) ORDER BY {key} LIMIT 1;
            WHILE FOUND LOOP
                SELECT {key} INTO batch_last FROM (
                    SELECT {key} FROM {table} WHERE ({{NEEDS}}) AND {row} >= {first}
                    ORDER BY {key} LIMIT {{BATCH}}
                ) AS batch ORDER BY {descending} LIMIT 1;
                UPDATE {table} SET {{CHANGE}}
                WHERE ({{NEEDS}}) AND {row} >= {first} AND {row} <= {last};
                PERFORM FROM {table} WHERE ({{NEEDS}}) AND {row} = {first};
                IF FOUND THEN
                    RAISE EXCEPTION USING
                        MESSAGE = 'NEEDS is still true after CHANGE: ' || batch_first;
                END IF;
                COMMIT;
                SELECT {key} INTO batch_first FROM {table}
                WHERE ({{NEEDS}}) AND {row} >= {first} ORDER BY {key} LIMIT 1;
            END LOOP;
        END
        $batches$
        \"\"\"
    )"""

DOWNGRADE = """\
# Nothing is undone: the former values are not kept, and rows that were written since look the
# same. If the old value follows from the new one, write the reverse here.
pass"""


@dataclass(frozen=True, slots=True)
class Batches:
    """The table of a data revision: its primary key, and the columns that an INSERT must name.

    `column` is one that an UPDATE may set.
    """

    table: Address
    key: tuple[str, ...]
    column: str
    required: tuple[str, ...]

    @property
    def name(self) -> str:
        """The table as SQL names it."""
        return quoting.qualified(self.table.schema, self.table.name)

    @property
    def constants(self) -> str:
        """The assignments that the author edits; as written, no row changes."""
        column = quoting.quote(self.column)
        return CONSTANTS.format(
            column=column, needs='"false"', change=f"{f'{column} = {column}'!r}"
        )

    @property
    def upgrade(self) -> Body:
        """The body of the function `upgrade`."""
        columns = [quoting.quote(column) for column in self.key]
        places = {
            "table": self.name,
            "key": ", ".join(columns),
            "row": _row(columns),
            "first": _row([f"batch_first.{column}" for column in columns]),
            "last": _row([f"batch_last.{column}" for column in columns]),
            "descending": ", ".join(f"{column} DESC" for column in columns),
        }
        text = UPGRADE.format(**{name: _within(sql) for name, sql in places.items()})
        return Body(text, frozenset())

    @property
    def downgrade(self) -> Body:
        """The body of the function `downgrade`."""
        return Body(DOWNGRADE, frozenset())


def batches(catalog: Catalog, name: str | None) -> Batches:
    """Return the batches of a table, by its name with or without its schema.

    Args:
        catalog: The schema that the history makes.
        name: The table; it may be left out where there is only one.

    Raises:
        ConfigurationError: There is no such table, there are several, or it has no primary key.

    """
    table = _table(catalog, name)
    columns = sorted(
        (each for each in catalog.every(Column) if _of(each, table)), key=lambda each: each.position
    )
    key = next(
        (
            each.columns
            for each in catalog.every(Constraint)
            if _of(each, table) and each.type == "p"
        ),
        None,
    )
    if key is None:
        raise ConfigurationError(
            f"table {table.schema}.{table.name} has no primary key, by which batches are cut",
            hint="Write the statements into an empty revision: limbeck revision -m MESSAGE",
        )
    settable = [each.name for each in columns if not each.generated and not _always(each)]
    column = next((each for each in settable if each not in key), key[0])
    required = tuple(each.name for each in columns if _is_required(each))
    return Batches(table.address, key, column, required)


def _table(catalog: Catalog, name: str | None) -> Table:
    tables = [each for each in catalog.of(Table) if each.kind != "f" and each.partition_of is None]
    names = {f"{each.schema}.{each.name}": each for each in tables}
    wanted = quoting.names(name) if name else ()
    matches = [each for each in tables if (each.schema, each.name)[-len(wanted) :] == wanted]
    if name is None:
        matches = tables
    if len(matches) == 1:
        return matches[0]
    if name is None:
        raise ConfigurationError(
            f"the history makes {counted(len(tables), 'table')}",
            hint="Name the one whose rows change: --table NAME",
        )
    if matches:
        several = ", ".join(f"{each.schema}.{each.name}" for each in matches)
        raise ConfigurationError(
            f"several tables are named {name}: {several}", hint="Write the schema before the name."
        )
    short = {each.name: full for full, each in names.items()}
    near = difflib.get_close_matches(name, [*names, *short], n=1)
    raise ConfigurationError(
        f"the history makes no table {name}",
        hint=f"Did you mean {short.get(near[0], near[0])}?"
        if near
        else "Run `limbeck diff base head` to see its tables.",
    )


def _of(item: Column | Constraint, table: Table) -> bool:
    return (item.schema, item.table) == (table.schema, table.name)


def _always(column: Column) -> bool:
    return column.identity is not None and column.identity.always


def _is_required(column: Column) -> bool:
    filled = column.default is not None or column.identity is not None
    return column.not_null is not None and not filled


def _row(columns: list[str]) -> str:
    return columns[0] if len(columns) == 1 else f"({', '.join(columns)})"


def _within(sql: str) -> str:
    """Return SQL as a part of an f-string between triple quotes that op.execute gets."""
    text = escaped(sql).replace("{", "{{").replace("}", "}}")
    return text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
