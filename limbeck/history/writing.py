"""Write a new revision file from the project's script.py.mako."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic.util import CommandError, format_as_comma, rev_id, template_to_file

from limbeck.errors import HistoryError
from limbeck.history import scripts
from limbeck.history.revisions import read
from limbeck.paths import shown

if TYPE_CHECKING:
    from limbeck.history.chain import Chain


@dataclass(frozen=True, slots=True)
class Text:
    """The parts of a revision file, as in `History.write`."""

    message: str
    upgrade: str
    downgrade: str
    imports: tuple[str, ...] = ()
    doc: str = ""
    data: str = ""


def write(history: Chain, text: Text, down: tuple[str, ...]) -> Path:
    """Write the file under a new id of 12 hexadecimal digits and return its path."""
    directory = scripts.directory(history)
    id_, date = rev_id(), directory._generate_create_date()  # noqa: SLF001 - alembic.ini's timezone
    name = slug(text.message)
    path = directory._rev_path(history.folder, id_, name, date)  # noqa: SLF001 - and its file names
    template = history.script_location / "script.py.mako"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        template_to_file(template, path, "utf-8", **_arguments(text, id_, down), create_date=date)
        if text.data:
            _insert(text.data, path)
        read(path)
    except (CommandError, HistoryError, OSError) as error:
        path.unlink(missing_ok=True)
        raise HistoryError(
            f"the revision could not be written: {error}",
            hint=f"Check {shown(template)}; `limbeck init` writes a new one.",
        ) from error
    return path


def _insert(data: str, path: Path) -> None:
    """Insert assignments above the first function: script.py.mako has no variable for them."""
    head, separator, rest = path.read_text(encoding="utf-8").partition("\ndef ")
    path.write_text(f"{head.rstrip()}\n{data}\n\n{separator}{rest}", encoding="utf-8")


def _arguments(text: Text, id_: str, down: tuple[str, ...]) -> dict[str, Any]:
    # The names that Alembic passes to every script.py.mako, so that a user's own one works.
    return {
        "up_revision": id_,
        "down_revision": down if len(down) > 1 else (down[0] if down else None),
        "branch_labels": None,
        "depends_on": None,
        "comma": format_as_comma,
        "message": _docstring(text),
        "imports": "\n".join(sorted(set(text.imports))),
        "upgrades": _body(text.upgrade),
        "downgrades": _body(text.downgrade),
    }


def _docstring(text: Text) -> str:
    whole = f"{text.message}\n\n{text.doc}".strip()
    return whole.replace("\\", "\\\\").replace('"""', "'''")


def _body(code: str) -> str:
    # The template indents the first line itself.
    return textwrap.indent(code.strip("\n"), "    ").lstrip() or "pass"


def slug(message: str, longest: int = 40) -> str:
    """Return a message as a part of a file name: ASCII words, cut between two words."""
    plain = unicodedata.normalize("NFKD", message).encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9]+", plain.lower())
    while len(words) > 1 and len("_".join(words)) > longest:
        words.pop()
    return "_".join(words)[:longest]
