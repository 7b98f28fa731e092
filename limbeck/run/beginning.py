"""How an empty database begins, where a history starts from a baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from limbeck.errors import ConfigurationError, HistoryError, MigrationError
from limbeck.history import baseline as baselines
from limbeck.schema.sql.own_schemas import of_users
from limbeck.shell import command

if TYPE_CHECKING:
    from limbeck.engine.version_table import VersionTable
    from limbeck.history.baseline import Baseline
    from limbeck.history.history import History
    from limbeck.postgres.connect import Connection
    from limbeck.project.profile import Profile

# The version table may be there: env.py of some projects creates it first.
_EMPTY: Final = f"""
SELECT NOT EXISTS (
    SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S') AND {of_users("n.nspname")}
    AND c.relname <> %s
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
        WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
)"""


def beginning(  # noqa: PLR0913 - the database, the history, and what was asked for
    history: History,
    profile: Profile,
    connection: Connection,
    table: VersionTable,
    to: str,
    *,
    wanted: bool,
) -> Baseline | None:
    """Return the baseline that is to be created first in a database without a revision.

    Args:
        history: The history of the environment.
        profile: The environment.
        connection: Its database, in whose version table there is no row.
        table: The version table.
        to: The last revision to apply.
        wanted: Whether the caller asks for it.

    Raises:
        HistoryError: The database is empty, and the caller has not asked for the baseline.
        ConfigurationError: There is no baseline, or the database is not empty.

    """
    baseline = baselines.of(history)
    if baseline is None:
        if wanted:
            raise ConfigurationError(
                "the history has no baseline: it starts on an empty database",
                hint="Leave --from-baseline out.",
            )
        return None
    if not is_empty(connection, table):
        if wanted:
            stamp = command("limbeck", "stamp", "-e", profile.name, baseline.at)
            raise ConfigurationError(
                f"{profile.name} is not empty, so the schema of {baseline} cannot be created there",
                hint=f"If it has that schema already: {stamp}",
            )
        return None
    if baselines.below(history, [each.id for each in history.find(to)]) is None:
        return None  # another branch, which starts on an empty database
    if not wanted:
        raise HistoryError(
            f"{profile.name} is empty, and the history starts from {baseline}: the revisions up to "
            "there do not make all of its tables",
            hint="Create that schema first, then run the revisions that follow: "
            f"{command('limbeck', 'migrate', '-e', profile.name, '--from-baseline')}",
        )
    return baseline


def is_empty(connection: Connection, table: VersionTable) -> bool:
    """Return whether a database has no relation of its user, but for the version table."""
    row = connection.execute(_EMPTY.encode(), [table.name]).fetchone()
    return bool(row and row[0])


def refuse_full(connection: Connection, table: VersionTable, environment: str) -> None:
    """Raise an error unless a database is still empty.

    Raises:
        MigrationError: Somebody has created a table there meanwhile.

    """
    if not is_empty(connection, table):
        raise MigrationError(
            f"{environment} has got tables after the plan was made; nothing was done",
            hint="Look at the new plan: run the same command again.",
        )


def refuse_below(history: History, revisions: tuple[str, ...]) -> None:
    """Raise an error if one of the revisions to downgrade belongs to the baseline.

    Raises:
        HistoryError: One does; nobody knows the schema before it.

    """
    covered = [each for each in baselines.covered(history) if each.id in revisions]
    if covered:
        raise HistoryError(
            f"revision {covered[-1]} cannot be downgraded: the history starts from "
            f"{baselines.of(history)}, and what was before is unknown",
            hint="Restore a backup to go back further.",
        )
