"""The option --log-json: the events of a command as lines of JSON."""

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
    """Append what is logged inside the block to a file, or write it to stderr for "-".

    The first line names the command, the last one its exit code. Warnings of other libraries are
    included.

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
        with _logged(command):
            yield
    finally:
        root.removeHandler(handler)
        logger.setLevel(level)
        handler.close()


def silence_psycopg() -> None:
    """Keep psycopg's warnings, such as that of a pipeline ended by an error, off stderr.

    Without a handler the standard library prints them there; limbeck reports the error itself.
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
            hint="Name a file in an existing folder, or - for stderr.",
        ) from error


@contextmanager
def _logged(command: str) -> Iterator[None]:
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
    reason = f": {fields['error_message']}" if "error_message" in fields else ""
    level = logging.ERROR if reason else logging.INFO
    logs.record(level, "command_finished", f"{command}: exit code {code}{reason}", fields)


def _ending(error: BaseException) -> dict[str, object]:
    """Return the fields of an error: its exit code, class, message and hint."""
    if isinstance(error, click.exceptions.Exit):
        return {"exit_code": error.exit_code}
    description: dict[str, object] = {"error": type(error).__name__, "error_message": str(error)}
    if isinstance(error, LimbeckError):
        return {"exit_code": error.exit_code, **description, "hint": error.hint}
    if isinstance(error, click.ClickException):
        return {"exit_code": error.exit_code, **description}
    interrupted = isinstance(error, KeyboardInterrupt | click.Abort)
    return {"exit_code": 130 if interrupted else 1, **description}
