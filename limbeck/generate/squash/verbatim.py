"""Join the code of several revision files into one file, unchanged."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from limbeck.dataclass import dataclass
from limbeck.errors import HistoryError
from limbeck.generate.rendering.body import Body
from limbeck.history.revisions import Revision
from limbeck.paths import shown

_ALEMBIC = {"revision", "down_revision", "branch_labels", "depends_on"}
_OURS = {"replaces", "replaced_sql"}
_DIRECTIONS = ("upgrade", "downgrade")


@dataclass(frozen=True, slots=True)
class Code:
    """The code of the new file: both bodies, and the statements above them."""

    upgrade: Body
    downgrade: Body
    above: str


@dataclass(frozen=True, slots=True)
class _Piece:
    """A statement of a module with the comments before it; `names` are those that it defines."""

    node: ast.stmt
    text: str

    @property
    def names(self) -> set[str]:
        if isinstance(self.node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return {self.node.name}
        names = (node for node in ast.walk(self.node) if isinstance(node, ast.Name))
        return {name.id for name in names if isinstance(name.ctx, ast.Store)}


def verbatim(revisions: Sequence[Revision]) -> Code:
    """Return the code of revisions; upgrade and downgrade call a function of each revision.

    Raises:
        HistoryError: Two files define one name differently.

    """
    above: dict[str, str] = {}
    owners: dict[str, tuple[Revision, str]] = {}
    imports: set[str] = set()
    for revision in revisions:
        for piece in _pieces(revision):
            if isinstance(piece.node, ast.Import | ast.ImportFrom):
                for name, text in _imported(piece.node):
                    owner = owners.setdefault(name, (revision, text))
                    _refuse_two(owner, (revision, text), name)
                    imports.add(text)
                continue
            text = _renamed(piece, revision)
            for name in piece.names - set(_DIRECTIONS):
                owner = owners.setdefault(name, (revision, text))
                _refuse_two(owner, (revision, text), name)
            above.setdefault(text, text)
    ups = [_call("upgrade", revision) for revision in revisions]
    downs = [_call("downgrade", revision) for revision in reversed(revisions)]
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
        # Two statements on one line share their source line.
        text = "\n".join(lines[begin:end]).strip("\n") if end > begin else ast.unparse(node)
        piece = _Piece(node, text)
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not docstring and not piece.names & (_ALEMBIC | _OURS):
            _refuse_calls(revision, node)
            yield piece


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
    """Yield each imported name with an import statement for it alone."""
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            alone: ast.stmt = ast.ImportFrom(node.module, [alias], node.level)
        else:
            alone = ast.Import([alias])
        yield alias.asname or alias.name, ast.unparse(alone)


def _renamed(piece: _Piece, revision: Revision) -> str:
    text = piece.text
    for name in _DIRECTIONS:
        if piece.names == {name}:
            own = f"def {_name(name, revision)}"
            text = re.sub(rf"^def {name}\b", own, text, flags=re.MULTILINE)
    return text


def _name(direction: str, revision: Revision) -> str:
    return f"_{direction}_{re.sub(r'[^0-9A-Za-z]', '_', revision.id)}"


def _call(direction: str, revision: Revision) -> str:
    return f"{_name(direction, revision)}()"


def _refuse_calls(revision: Revision, node: ast.stmt) -> None:
    for name in ast.walk(node):
        if isinstance(name, ast.Name) and name.id in _DIRECTIONS:
            raise HistoryError(
                f"{shown(revision.path)}:{name.lineno}: the file uses its own {name.id}, so it "
                "cannot be joined with others",
                hint="Rewrite that code, or squash the revisions before and after it.",
            )


def _refuse_two(first: tuple[Revision, str], second: tuple[Revision, str], name: str) -> None:
    if first[1] != second[1]:
        raise HistoryError(
            f"{shown(first[0].path)} and {shown(second[0].path)} define {name} differently, so "
            "they cannot be joined",
            hint=f"Rename {name} in one of them.",
        )
