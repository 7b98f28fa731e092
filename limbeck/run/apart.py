"""A database and the revision files that have come apart, as two git branches of a team do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from limbeck.engine.ledger import Ledger
from limbeck.engine.state import State
from limbeck.errors import HistoryError, SeveralHeadsError
from limbeck.history.history import History
from limbeck.paths import shown
from limbeck.postgres.database import Database
from limbeck.project.profile import Profile
from limbeck.shell import command


def current(
    history: History, start: State, profile: Profile, database: Database
) -> tuple[str, ...]:
    """Return the revisions that a database is at.

    Raises:
        HistoryError: No file has one of them; it says who applied it, and what helps.

    """
    files = {revision.id for revision in history.revisions()}
    unknown = tuple(id_ for id_ in start.recorded if id_ not in files)
    if not unknown or history.squashed(unknown[0]):
        return history.known(start.recorded, database.dbname)
    raise HistoryError(
        f"{profile.name} is at revision {described(unknown, start.ledger)}, which no file in "
        f"{shown(history.folder)} has; nothing was done",
        hint=hint(unknown[0], profile.name),
    )


def described(ids: Sequence[str], entries: Ledger) -> str:
    """Return revisions without a file, with what the ledger says of them."""
    applied = entries.applied()
    texts = []
    for id_ in ids:
        entry = applied.get(id_)
        if entry is None or entry.finished is None:
            texts.append(id_)
        else:
            who = entry.author or entry.role
            texts.append(f"{id_} ({entry.message}; {who}, {entry.finished:%Y-%m-%d})")
    return ", ".join(texts)


def hint(id_: str, environment: str) -> str:
    """Return what to do about a revision without a file."""
    log = command("git", "log", "--all", "--", f"*{id_}*")
    rollback = command("limbeck", "rollback", "-e", environment)
    return (
        f"`{log}` finds its git branch: merge that, or run `{rollback}` there. If the file is gone "
        "for good, reset the branch of the database."
    )


@contextmanager
def explaining(history: History, applied: Sequence[str], environment: str) -> Iterator[None]:
    """Say in a SeveralHeadsError of the block which of the heads a database has."""
    try:
        yield
    except SeveralHeadsError as error:
        if history.lasting():
            raise
        below = {revision.id for revision in history.applied(applied)}
        lines = [
            f"\n  {head}: {shown(head.path)}{', applied' if head.id in below else ''}"
            for head in history.heads()
        ]
        number = sum(head.id in below for head in history.heads())
        raise SeveralHeadsError(
            f"the history has {len(lines)} heads, {number or 'none'} of them applied on "
            f"{environment}; nothing was done:{''.join(lines)}",
            hint="Run `limbeck merge`. It joins them if their order makes no difference; then "
            f"`{command('limbeck', 'migrate', '-e', environment)}` applies what is missing.",
        ) from error
