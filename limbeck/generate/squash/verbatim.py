"""The code of several revision files as the code of one, as it was written."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from limbeck.errors import HistoryError
from limbeck.generate.rendering.body import Body
from limbeck.history.revisions import Revision
from limbeck.paths import shown

_ALEMBIC = {"revision", "down_revision", "branch_labels", "depends_on"}
_OURS = {"replaces", "replaced_sql"}
_WAYS = ("upgrade", "downgrade")


@dataclass(frozen=True, slots=True)
class Code:
    """What goes into the new file: both bodies, and what stands above them."""

    upgrade: Body
    downgrade: Body
    above: str


@dataclass(frozen=True, slots=True)
class _Piece:
    """One statement of a module, with the comments before it; `names` are those it defines."""

    node: ast.stmt
    text: str

    @property
    def names(self) -> set[str]:
        if isinstance(self.node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return {self.node.name}
        written = (one for one in ast.walk(self.node) if isinstance(one, ast.Name))
        return {one.id for one in written if isinstance(one.ctx, ast.Store)}


def verbatim(revisions: Sequence[Revision]) -> Code:
    """Return the code of revisions, one after the other; each way calls a function of each.

    Raises:
        HistoryError: two files give one name to different things.

    """
    above: dict[str, str] = {}
    owners: dict[str, tuple[Revision, str]] = {}
    imports: set[str] = set()
    for one in revisions:
        for piece in _pieces(one):
            if isinstance(piece.node, ast.Import | ast.ImportFrom):
                for name, text in _imported(piece.node):
                    _refuse_two(owners.setdefault(name, (one, text)), (one, text), name)
                    imports.add(text)
                continue
            text = _renamed(piece, one)
            for name in piece.names - set(_WAYS):
                _refuse_two(owners.setdefault(name, (one, text)), (one, text), name)
            above.setdefault(text, text)
    ups = [_call("upgrade", one) for one in revisions]
    downs = [_call("downgrade", one) for one in reversed(revisions)]
    lines = frozenset(imports - {"from __future__ import annotations"})
    return Code(
        Body("\n".join(ups), lines), Body("\n".join(downs), lines), "\n\n\n".join(above.values())
    )


def _pieces(revision: Revision) -> Iterator[_Piece]:
    source = revision.path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    lines = source.splitlines()
    ends = [0, *(node.end_lineno or 0 for node in tree.body)]
    for node, (begin, end) in zip(tree.body, pairwise(ends), strict=True):
        # Two statements in one line are written out one by one.
        text = "\n".join(lines[begin:end]).strip("\n") if end > begin else ast.unparse(node)
        piece = _Piece(node, text)
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not docstring and not piece.names & (_ALEMBIC | _OURS):
            _refuse_calls(revision, node)
            yield piece


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
    """Yield each name that an import gives, and the import of it alone."""
    for one in node.names:
        if isinstance(node, ast.ImportFrom):
            alone: ast.stmt = ast.ImportFrom(node.module, [one], node.level)
        else:
            alone = ast.Import([one])
        yield one.asname or one.name, ast.unparse(alone)


def _renamed(piece: _Piece, revision: Revision) -> str:
    text = piece.text
    for way in _WAYS:
        if piece.names == {way}:
            text = re.sub(rf"^def {way}\b", f"def {_name(way, revision)}", text, flags=re.MULTILINE)
    return text


def _name(way: str, revision: Revision) -> str:
    return f"_{way}_{re.sub(r'[^0-9A-Za-z]', '_', revision.id)}"


def _call(way: str, revision: Revision) -> str:
    return f"{_name(way, revision)}()"


def _refuse_calls(revision: Revision, node: ast.stmt) -> None:
    for one in ast.walk(node):
        if isinstance(one, ast.Name) and one.id in _WAYS:
            raise HistoryError(
                f"{shown(revision.path)}:{one.lineno}: {one.id} is used by the file's own code, "
                "which cannot be put into one file with others",
                hint="Write it without that, or squash the revisions before and after it.",
            )


def _refuse_two(first: tuple[Revision, str], second: tuple[Revision, str], name: str) -> None:
    if first[1] != second[1]:
        raise HistoryError(
            f"{name} is one thing in {shown(first[0].path)} and another in "
            f"{shown(second[0].path)}, so they cannot be put into one file",
            hint=f"Give {name} another name in one of them.",
        )
