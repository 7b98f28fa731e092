"""alembic/accepted.toml: differences between the history and the models that a team accepts."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from limbeck.dataclass import dataclass
from limbeck.errors import ConfigurationError
from limbeck.project.project import Project

if TYPE_CHECKING:
    from limbeck.schema.diff.settling import Difference

REFUSED = "refused by Postgres"
"""The attribute of an entry about an object of the models that Postgres cannot create."""
HEAD = """\
# Differences between the recorded history and the models that are accepted: `generate` and
# `check` leave them out. An entry holds only for exactly these values. `limbeck accept` adds
# entries; delete a line to have the difference migrated.
accepted = [
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """An accepted difference of one object; a value is None where there is none."""

    object: str
    attribute: str
    history: str | None
    models: str | None
    reason: str = ""

    @classmethod
    def of(cls, difference: Difference, reason: str) -> Entry:
        """Return the entry that accepts a difference."""
        address, name = str(difference.address), difference.attribute
        return cls(address, name, difference.before, difference.after, reason)

    def accepts(self, difference: Difference) -> bool:
        """Return whether the entry is about exactly this difference."""
        if self.attribute != difference.attribute or self.object != str(difference.address):
            return False
        present = difference.before, difference.after
        return (self.history, self.models) in {present, difference.former}

    @property
    def idle(self) -> str:
        """What to report of the entry once it applies to nothing."""
        about = f"{self.object} {self.attribute}".strip()
        return f"accepted.toml: the entry for {about} applies to no difference any more"

    def line(self) -> str:
        """Return the entry as it stands in the file."""
        values = {
            "object": self.object,
            "attribute": self.attribute or None,
            "history": self.history,
            "models": self.models,
            "reason": self.reason,
        }
        pairs = [f"{key} = {_string(value)}" for key, value in values.items() if value is not None]
        return f"  {{ {', '.join(pairs)} }},\n"


def path(project: Project) -> Path:
    """Return the file of a project."""
    return project.script_location / "accepted.toml"


def read(project: Project) -> tuple[Entry, ...]:
    """Return the entries of a project's file; none where there is no file.

    Raises:
        ConfigurationError: the file cannot be read, or an entry has wrong fields.

    """
    file = path(project)
    try:
        entries = tomllib.loads(file.read_text(encoding="utf-8")).get("accepted", [])
        return tuple(
            Entry(
                each["object"],
                each.get("attribute", ""),
                each.get("history"),
                each.get("models"),
                each.get("reason", ""),
            )
            for each in entries
        )
    except FileNotFoundError:
        return ()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigurationError(f"{file} cannot be read: {error}") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(
            f"{file} has an entry without an object", hint="Write entries with `limbeck accept`."
        ) from error


def refused(project: Project) -> tuple[Entry, ...]:
    """Return the entries about objects of the models that Postgres cannot create."""
    return tuple(entry for entry in read(project) if entry.attribute == REFUSED)


def write(project: Project, entries: Iterable[Entry]) -> Path:
    """Write the entries of a project's file, sorted by object, and return the file."""
    lines = sorted({entry.line() for entry in entries})
    file = path(project)
    unfinished = file.with_suffix(".toml.new")
    unfinished.write_text(HEAD + "".join(lines) + "]\n", encoding="utf-8")
    unfinished.replace(file)
    return file


def _string(text: str) -> str:
    """Return a basic string of TOML: that of JSON, which leaves one control character as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
