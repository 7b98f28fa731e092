"""Write a new revision file from the project's script.py.mako."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from limbeck.errors import HistoryError
from limbeck.history.history import History
from limbeck.history.revisions import read
from limbeck.paths import shown
from limbeck.visible import visible

_TEMPLATE: Final = Path(__file__).parents[1] / "templates" / "alembic" / "script.py.mako"


def write(  # noqa: PLR0913 - a revision file has this many parts
    history: History,
    message: str,
    upgrade: str = "",
    downgrade: str = "",
    *,
    imports: Iterable[str] = (),
    down: Sequence[str] | None = None,
    data: str = "",
    end: str = "",
) -> Path:
    """Write a new revision file under a new id of 12 hexadecimal digits and return its path.

    Args:
        history: the history to which it is added.
        message: the docstring; the file's name is made of it.
        upgrade: the body of the function, not indented.
        downgrade: the same for the way back.
        imports: whole lines.
        down: the ids of the revisions that it follows; None is the head.
        data: whole assignments above the functions.
        end: whole assignments below them, which only they use.

    Raises:
        SeveralHeadsError: it is to follow the head, and there are several.
        HistoryError: script.py.mako is broken.

    """
    # Alembic and Mako only when it is needed.
    from alembic.util import CommandError, rev_id, template_to_file  # noqa: PLC0415 - see above

    from limbeck.history import scripts  # noqa: PLC0415 - see above

    if down is None:
        down = [head.id] if (head := history.head()) else []
    directory = scripts.directory(history)
    id_, date = rev_id(), directory._generate_create_date()  # noqa: SLF001 - alembic.ini's timezone
    path = directory._rev_path(history.folder_after(down), id_, slug(message), date)  # noqa: SLF001 - and its file names
    template = _template(history)
    bodies = {"upgrades": _body(upgrade), "downgrades": _body(downgrade)}
    variables = {**_variables(message, id_, down, imports), **bodies}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        template_to_file(template, path, "utf-8", **variables, create_date=date)
        if data:
            _insert(data, path)
        if end:
            path.write_text(f"{path.read_text(encoding='utf-8').rstrip()}\n\n\n{end}\n", "utf-8")
        read(path)
    except (CommandError, HistoryError, OSError) as error:
        path.unlink(missing_ok=True)
        raise HistoryError(
            f"the revision could not be written: {error}",
            hint=f"Check {shown(template)}. Without that file, limbeck uses a template of its own.",
        ) from error
    return path


def _template(history: History) -> Path:
    """Return the project's template; limbeck's own, where its package has come without one."""
    own = history.script_location / "script.py.mako"
    return own if own.is_file() else _TEMPLATE


def _insert(data: str, path: Path) -> None:
    """Insert assignments above the first function: script.py.mako has no variable for them."""
    head, separator, rest = path.read_text(encoding="utf-8").partition("\ndef ")
    path.write_text(f"{head.rstrip()}\n{data}\n\n{separator}{rest}", encoding="utf-8")


def _variables(
    message: str, id_: str, down: Sequence[str], imports: Iterable[str]
) -> dict[str, Any]:
    from alembic.util import format_as_comma  # noqa: PLC0415 - as above

    # The names that Alembic passes to every script.py.mako, so that a user's own one works.
    return {
        "up_revision": id_,
        "down_revision": tuple(down) if len(down) > 1 else (down[0] if down else None),
        "branch_labels": None,
        "depends_on": None,
        "comma": format_as_comma,
        # Names may be in it; as an escape, a control character is the same to Python.
        "message": visible(message.strip().replace("\\", "\\\\").replace('"""', "'''")),
        "imports": "\n".join(sorted(set(imports))),
    }


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
