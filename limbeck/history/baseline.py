"""versions/baseline.sql: the schema that a history starts from, if that is no empty database."""

from __future__ import annotations

import contextlib
import hashlib
import re
import secrets
from collections.abc import Sequence
from pathlib import Path

from limbeck.dataclass import dataclass
from limbeck.errors import HistoryError
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.paths import shown
from limbeck.shell import command

NAME = "baseline.sql"
HEAD = """\
-- The schema that the history starts from, written by `limbeck baseline`. limbeck replays the
-- revisions that follow on it; no command reads it for anything else, and Alembic never does.
-- Rows that later revisions need may be added at the end, as INSERT statements.
--
-- revision: {revisions}
-- environment: {environment}
-- server: {server}

"""
_FIELD = re.compile(r"-- (revision|environment|server): (.+)")
_WRITE = command("limbeck", "baseline", "--from-environment", "NAME")


@dataclass(frozen=True, slots=True)
class Baseline:
    """The schema after some revisions, as SQL.

    `revisions` are the rows of the version table that belong to it, () before the first revision.
    `environment` and `server` say where it was read: the name, and the version of Postgres.
    """

    path: Path
    revisions: tuple[str, ...]
    environment: str
    server: str
    sql: str

    @property
    def digest(self) -> str:
        """The hash of all that a replay takes from it."""
        return hashlib.sha256("\n".join((*self.revisions, self.sql)).encode()).hexdigest()

    @property
    def at(self) -> str:
        """The revisions as a command line names them."""
        return ",".join(self.revisions) or "base"

    def __str__(self) -> str:
        return f"{shown(self.path)} (the schema at {self.at})"

    def write(self) -> None:
        """Write the file as a whole or not at all."""
        fields = {
            "revisions": self.at,
            "environment": self.environment,
            "server": self.server,
        }
        unfinished = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}")
        try:
            unfinished.write_text(HEAD.format(**fields) + self.sql, encoding="utf-8")
            unfinished.replace(self.path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                unfinished.unlink()


def path(history: History) -> Path:
    """Return the file of a history, whether it exists or not."""
    return history.folder / NAME


def of(history: History) -> Baseline | None:
    """Return the baseline of a history; None for one that starts on an empty database.

    Raises:
        HistoryError: the file cannot be read, its header is damaged, or it names a revision that
            no file has.

    """
    file = path(history)
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise HistoryError(f"{shown(file)} cannot be read: {error}") from error
    fields = {match[1]: match[2].strip() for match in _FIELD.finditer(_header(text))}
    if "revision" not in fields:
        raise HistoryError(
            f"{shown(file)} does not say which revision it is at: the line -- revision: is missing",
            hint=f"Restore its first lines from git, or write it again: {_WRITE} --force",
        )
    at = fields["revision"]
    ids = () if at == "base" else tuple(id_.strip() for id_ in at.split(","))
    known = {revision.id for revision in history.revisions()}
    if missing := [id_ for id_ in ids if id_ not in known]:
        raise HistoryError(
            f"{shown(file)} is at revision {', '.join(missing)}, which no file in "
            f"{shown(history.folder)} has",
            hint="Restore the revision file, or write the baseline again at another revision: "
            f"{_WRITE} --force",
        )
    return Baseline(file, ids, fields.get("environment", ""), fields.get("server", ""), _body(text))


def below(history: History, ids: Sequence[str]) -> Baseline | None:
    """Return what a replay of some revisions starts from; None is an empty database.

    Raises:
        HistoryError: the revisions are below the baseline, so that nothing can make their schema.

    """
    baseline = of(history)
    if baseline is None:
        return None
    inside = {revision.id for revision in history.applied(baseline.revisions)}
    wanted = {revision.id for revision in history.applied(ids)}
    if inside <= wanted:
        return baseline
    if not inside & wanted:
        return None
    raise HistoryError(
        f"the schema at {', '.join(ids)} is unknown: the history starts from {baseline}, which "
        "comes after it",
        hint="Only revisions after the baseline can be replayed.",
    )


def covered(history: History) -> tuple[Revision, ...]:
    """Return the revisions that a baseline contains, in their order; none without a baseline."""
    baseline = of(history)
    return history.applied(baseline.revisions) if baseline else ()


def _header(text: str) -> str:
    """Return the comments that a file begins with."""
    lines = text.splitlines()
    end = next((at for at, line in enumerate(lines) if not line.startswith("--")), len(lines))
    return "\n".join(lines[:end])


def _body(text: str) -> str:
    return text.removeprefix(_header(text)).lstrip("\r\n")
