"""Events as records of the standard library's logging, as sentences, and as lines of JSON."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from limbeck.events import (
    BackfillProgress,
    BackfillThrottled,
    BatchNotObtained,
    Blocked,
    BranchCreated,
    Event,
    IndexProgress,
    IndexRepaired,
    LockNotObtained,
    LockWaiting,
    Notice,
    RevisionFinished,
    RevisionResumed,
    RevisionStarted,
    RunFailed,
    RunFinished,
    RunStarted,
    ServerStarted,
    StageProgress,
    StageStarted,
)
from limbeck.plurals import counted, nouns
from limbeck.visible import visible, visible_json

LOGGER: Final = "limbeck"

_WARNINGS: Final = (
    Notice,
    LockWaiting,
    LockNotObtained,
    Blocked,
    IndexRepaired,
    BatchNotObtained,
    BackfillThrottled,
)
_DETAILS: Final = (StageStarted, StageProgress, IndexProgress, BackfillProgress)
_UNSEEN: Final = "a session that ended before limbeck could identify it"
_MINUTES: Final = 100  # seconds; from here on the remaining time is given in minutes
# Without any handler the standard library would print warnings to stderr.
logging.getLogger(LOGGER).addHandler(logging.NullHandler())


def log(event: Event) -> None:
    """Log an event; this is the default listener of every function that takes one.

    The record's message is a sentence, its `event` the event's name such as "revision_finished",
    its `fields` the event's fields as JSON values. Passwords are masked in all of them.
    """
    record(_level(event), name(event), sentence(event), _fields(event))


def _fields(event: Event) -> dict[str, Any]:
    if isinstance(event, IndexProgress | IndexRepaired):
        return asdict(event)
    fields = event._asdict()
    if blockers := fields.get("blockers"):
        fields["blockers"] = tuple(each._asdict() for each in blockers)
    return fields


def record(level: int, event: str, text: str, fields: Mapping[str, Any]) -> None:
    """Log an event by its name, with a sentence and its fields."""
    logger = logging.getLogger(LOGGER)
    if logger.isEnabledFor(level):
        extra = {"event": event, "fields": _redacted(fields)}
        logger.log(level, "%s", visible(_redacted(text)), extra=extra)


def name(event: Event) -> str:
    """Return the name of an event's class in snake case, such as "revision_finished"."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(event).__name__).lower()


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON: time, level, event, message and fields.

    The time is in UTC with milliseconds, as in RFC 3339. For records of other libraries the event
    is the name of their logger, and there are no fields.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without its line break."""
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {
            "time": when.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "event": getattr(record, "event", record.name),
            "message": _redacted(record.getMessage()),  # other libraries log statements, too
            "fields": getattr(record, "fields", {}),
        }
        return visible_json(json.dumps(line, ensure_ascii=False, default=str))


def sentence(event: Event) -> str:
    """Return an event as one line for people."""
    match event:
        case Notice(text) | StageStarted(text):
            return text
        case RunStarted() | RunFinished() | RunFailed():
            return _of_run(event)
        case RevisionStarted() | RevisionFinished() | RevisionResumed():
            return _of_revision(event)
        case ServerStarted(port, created):
            verb = "Created and started" if created else "Started"
            return f"{verb} the embedded Postgres on port {port}"
        case BranchCreated(name, parent):
            return f"Created branch {name}" + (f" from {parent}" if parent else "")
        case _:
            return _of_statement(event)


def how_far(event: StageProgress) -> str:
    """Return what is done of a stage, such as "12 of 300 revisions"."""
    if not event.unit:
        return ""
    of = f" of {event.total:,}" if event.total else ""
    return f"{event.done:,}{of} {nouns(event.total or event.done, event.unit)}"


def _of_run(event: RunStarted | RunFinished | RunFailed) -> str:
    where = f"{event.environment} ({event.destination})"
    match event:
        case RunStarted():
            verb = "downgrading" if event.downgrade else "applying"
            return f"{where}: {verb} {counted(len(event.revisions), 'revision')}"
        case RunFinished():
            at = ", ".join(event.current) or "base"
            return f"{where} is at {at}, after {event.seconds:.2f} s"
        case RunFailed():
            return f"{where}: {event.message}"


def _of_revision(event: RevisionStarted | RevisionFinished | RevisionResumed) -> str:
    what = f"{event.revision} {event.message}".rstrip()
    match event:
        case RevisionStarted():
            verb = "reverting" if event.downgrade else "applying"
            return f"{event.number}/{event.total} {verb} {what}"
        case RevisionFinished():
            verb = "reverted" if event.downgrade else "applied"
            return f"{event.number}/{event.total} {verb} {what} ({event.seconds:.2f} s)"
        case RevisionResumed():
            return f"{what} continues after step {event.done}, where it was interrupted"


def _of_statement(event: Event) -> str:
    match event:
        case LockWaiting(holder, wait):
            return f"Waiting up to {wait:g} s for the migration lock, held by {holder}"
        case LockNotObtained():
            return f"step {event.step} of {event.revision} {_without_lock(event)}"
        case Blocked(blockers, waited):
            names = "; ".join(map(str, blockers))
            return f"Waiting for {waited:.0f} s, blocking nobody; blocked by: {names}"
        case IndexRepaired(index, table):
            return f"Dropped the INVALID index {index} of {table}, left by an interrupted build"
        case IndexProgress(index, phase, done, total):
            return f"{index}: {phase}" + (f" {100 * done // total} %" if total else "")
        case _:
            return _of_progress(event)


def _of_progress(event: Event) -> str:
    match event:
        case StageProgress():
            return f"{event.text}: {how_far(event)}" if event.unit else event.text
        case BackfillProgress():
            return f"{event.table}: {how_many(event)}"
        case BatchNotObtained(table, attempt, pause, blockers):
            names = "; ".join(map(str, blockers)) or _UNSEEN
            again = f"a smaller one follows in {pause:.1f} s (attempt {attempt + 1})"
            return f"a batch of {table} did not get its locks; blocked by: {names}; {again}"
        case BackfillThrottled(table, lag):
            return f"{table}: waiting for the slowest replica, which lags {lag:.0f} s behind"
        case _:
            return str(event)


def how_many(event: BackfillProgress) -> str:
    """Return the rows that are scanned, the rate in rows per second, and the remaining time."""
    parts = [f"{event.done:,} of {event.total:,} {nouns(event.total, 'row')}"]
    if event.rate:
        parts.append(f"{event.rate:,.0f} rows/s")
    if event.left is not None:
        minutes = event.left >= _MINUTES
        parts.append(f"{event.left / 60:.0f} min left" if minutes else f"{event.left:.0f} s left")
    return ", ".join(parts)


def _without_lock(event: LockNotObtained) -> str:
    names = "; ".join(map(str, event.blockers)) or _UNSEEN
    when = "when they end, at the latest in" if event.blockers else "in"
    again = f"retrying {when} {event.pause:.1f} s (attempt {event.attempt + 1})"
    return f"did not get its locks and was rolled back; blocked by: {names}; {again}"


def _level(event: Event) -> int:
    if isinstance(event, RunFailed):
        return logging.ERROR
    if isinstance(event, _WARNINGS):
        return logging.WARNING
    return logging.DEBUG if isinstance(event, _DETAILS) else logging.INFO


def _redacted(value: Any) -> Any:
    """Return a JSON value with passwords masked, those in blockers' queries included."""
    # Its regular expressions take milliseconds to compile, and every command imports this module.
    from limbeck.masking.mask import masked_data  # noqa: PLC0415 - see above

    return masked_data(value)
