"""What was done to environments, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from limbeck.engine.ledger import Entry
from limbeck.output.marks import Answer, Line, Meaning, Span, Table
from limbeck.plurals import counted
from limbeck.run.journal import Journal

if TYPE_CHECKING:
    from limbeck.output.answers.everyday import LogAnswer
    from limbeck.output.answers.parts import EntryData

VERBS: Final = {
    "upgrade": "applied",
    "downgrade": "downgraded",
    "stamp": "marked",
    "adopt": "noted",
    "leave": "left out",
    "push": "pushed",
    "unpush": "pushed back",
}
"""The words for the ledger's actions. `noted` is a revision that another tool has applied; one
without a file is `left out` by a stamp; `pushed back` is a push to the schema of the revisions."""


def log_text(journals: Sequence[Journal], limit: int) -> str:
    """Return a line for each entry of all environments, newest first, and what cannot be shown."""
    entries = _newest(journals)
    sections: list[str] = []
    if entries:
        headers = ("When", "Environment", "Revision", "", "Took", "By", "Message")
        sections.append(Table(headers, [_row(*each) for each in entries[:limit]]))
    if (left := len(entries) - limit) > 0:
        more = counted(left, "earlier entry", "earlier entries")
        sections.append(f"... and {more}; --all shows them")
    sections += [line for journal in journals for line in _without(journal)]
    return Answer(sections or ["There are no environments: env_profiles/ has no profile."])


def log_data(journals: Sequence[Journal], limit: int) -> LogAnswer:
    """Return the entries of all environments, newest first, for JSON."""
    entries = _newest(journals)
    return {
        "entries": [{"environment": name, **entry_data(entry)} for name, entry in entries[:limit]],
        "earlier": max(len(entries) - limit, 0),
        "problems": [
            {"environment": each.environment, "problem": each.problem.message}
            for each in journals
            if each.problem
        ],
    }


def entry_data(entry: Entry) -> EntryData:
    """Return one entry for JSON."""
    return {
        "revision": entry.revision,
        "message": entry.message,
        "action": entry.action,
        "started": entry.started.isoformat(),
        "finished": entry.finished.isoformat() if entry.finished else None,
        "seconds": entry.seconds,
        "steps": entry.steps,
        "role": entry.role,
        "author": entry.author,
        "host": entry.host,
        "application": entry.application,
    }


def when(time: datetime) -> str:
    """Return a time in the time zone of this machine, to the second."""
    return f"{time.astimezone():%Y-%m-%d %H:%M:%S}"


def done(entry: Entry) -> str:
    """Return what an entry says was done."""
    if entry.finished is None:
        return f"unfinished after step {entry.steps}"
    if entry.action == "downgrade" and entry.digest is None:
        return "unmarked"  # a stamp below it: nothing ran
    return VERBS.get(entry.action, entry.action)


def took(entry: Entry) -> str:
    """Return how long an entry took; nothing where nothing ran."""
    if entry.seconds is None or done(entry) not in {"applied", "downgraded"}:
        return ""
    return f"{entry.seconds:.2f} s"


def by(entry: Entry) -> str:
    """Return who did it: the user on a machine, and the role where it has another name."""
    author = "@".join(filter(None, (entry.author, entry.host)))
    if not author:
        return entry.role
    return author if entry.role == entry.author else f"{author} as {entry.role}"


def _newest(journals: Sequence[Journal]) -> list[tuple[str, Entry]]:
    entries = [(each.environment, entry) for each in journals for entry in each.ledger.entries]
    entries.reverse()  # of entries with the same time, the later row of the ledger is the newer
    return sorted(entries, key=lambda each: _end(each[1]), reverse=True)


def _end(entry: Entry) -> datetime:
    return entry.finished or entry.started


def _row(environment: str, entry: Entry) -> tuple[str, ...]:
    time = when(_end(entry))
    action = Span(done(entry), _meaning(entry))
    return (time, environment, entry.revision, action, took(entry), by(entry), entry.message)


def _meaning(entry: Entry) -> Meaning:
    if entry.finished is None:
        return "error"
    return "good" if done(entry) == "applied" else "changed"


def _without(journal: Journal) -> Iterator[str]:
    name = journal.environment
    if journal.problem:
        yield Line(Span(name, "error"), f": {journal.problem.message}")
        if journal.problem.hint:
            yield f"  {journal.problem.hint}"
    elif not journal.ledger.entries:
        at = ", ".join(journal.current or ()) or "no revision"
        yield f"{name}: the ledger is empty; the database is at {at}"
