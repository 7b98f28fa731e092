"""--log-json: what happens during a command, as lines of JSON."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click

from limbeck import logs
from limbeck.errors import ConfigurationError, LimbeckError
from limbeck.version import __version__

STDERR = "-"


@contextmanager
def json_lines(place: str, command: str) -> Iterator[None]:
    """Write what is logged inside of the block to a file, at its end, or to stderr for "-".

    The first line names the command, the last says how it ended. Warnings of other libraries are
    lines, too.

    Raises:
        ConfigurationError: the file cannot be written.

    """
    handler = _handler(place)
    handler.setFormatter(logs.JsonFormatter())
    root, logger = logging.getLogger(), logging.getLogger(logs.LOGGER)
    level = logger.level
    logger.setLevel(logging.DEBUG)
    root.addHandler(handler)
    try:
        with _told(command):
            yield
    finally:
        root.removeHandler(handler)
        logger.setLevel(level)
        handler.close()


def silence_psycopg() -> None:
    """Keep psycopg's own warnings, such as of a pipeline that an error ended, off stderr.

    Without any handler the standard library would write them there; the error itself is told.
    """
    logging.getLogger("psycopg").addHandler(logging.NullHandler())


def _handler(place: str) -> logging.Handler:
    if place == STDERR:
        return logging.StreamHandler(sys.stderr)
    try:
        return logging.FileHandler(place, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"--log-json: {place} cannot be written: {error.strerror}",
            hint="Name a file in a folder that is there, or - for stderr.",
        ) from error


@contextmanager
def _told(command: str) -> Iterator[None]:
    begun = time.monotonic()
    text = f"{command}, version {__version__}"
    fields: dict[str, object] = {"command": command}
    logs.record(logging.INFO, "command_started", text, {**fields, "version": __version__})
    try:
        yield
    except BaseException as error:
        fields |= _ending(error)
        raise
    else:
        fields["exit_code"] = 0
    finally:
        fields["seconds"] = time.monotonic() - begun
        _finished(command, fields)


def _finished(command: str, fields: dict[str, object]) -> None:
    code = fields["exit_code"]
    said = f": {fields['error_message']}" if "error_message" in fields else ""
    level = logging.ERROR if said else logging.INFO
    logs.record(level, "command_finished", f"{command}: exit code {code}{said}", fields)


def _ending(error: BaseException) -> dict[str, object]:
    """Return the exit code that an error leads to, and the error."""
    if isinstance(error, click.exceptions.Exit):
        return {"exit_code": error.exit_code}
    found: dict[str, object] = {"error": type(error).__name__, "error_message": str(error)}
    if isinstance(error, LimbeckError):
        return {"exit_code": error.exit_code, **found, "hint": error.hint}
    if isinstance(error, click.ClickException):
        return {"exit_code": error.exit_code, **found}
    interrupted = isinstance(error, KeyboardInterrupt | click.Abort)
    return {"exit_code": 130 if interrupted else 1, **found}
