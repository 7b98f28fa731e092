"""Comments in a revision that allow a hazard: # limbeck: allow CODE -- reason."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

from limbeck.dataclass import dataclass
from limbeck.lint.rules.hazard import Hazard

COMMENT = re.compile(r"#\s*limbeck:\s*allow\b\s*(?P<codes>.*?)(?:\s+--\s*(?P<reason>.*))?$")
UNREASONED = "suppression-without-reason"
UNUSED = "unused-suppression"


@dataclass(frozen=True, slots=True)
class Allowance:
    """A code that a comment allows in a range of lines; the reason may be missing."""

    code: str
    reason: str
    line: int
    first: int
    last: int

    def covers(self, hazard: Hazard) -> bool:
        """Return whether the comment applies to a hazard."""
        return hazard.code == self.code and self.first <= hazard.line <= self.last


def allowances(path: Path) -> tuple[Allowance, ...]:
    """Return the allowances in the comments of a revision file.

    A comment in a function applies to the statement that it is next to or above; a comment outside
    of functions applies to the whole file.
    """
    source = path.read_text(encoding="utf-8")
    if "limbeck" not in source:  # reading the words of a long revision takes seconds
        return ()
    tree, length = ast.parse(source), source.count("\n") + 1
    return tuple(
        Allowance(code, reason, line, *_scope(tree, line, length))
        for line, codes, reason in _comments(source)
        for code in codes
    )


def _comments(source: str) -> Iterator[tuple[int, list[str], str]]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        match = COMMENT.match(token.string) if token.type == tokenize.COMMENT else None
        if match:
            codes = [code for code in re.split(r"[\s,]+", match["codes"]) if code]
            yield token.start[0], codes or [""], (match["reason"] or "").strip()


def _scope(tree: ast.Module, line: int, length: int) -> tuple[int, int]:
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    around = [node for node in functions if node.lineno <= line <= (node.end_lineno or 0)]
    if not around:
        return 0, length
    inside = [
        node
        for node in ast.walk(around[-1])
        if isinstance(node, ast.stmt) and node is not around[-1]
    ]
    simple = [node for node in inside if not hasattr(node, "body")]
    beside = [node for node in simple if node.lineno <= line <= (node.end_lineno or 0)]
    below = sorted((node for node in inside if node.lineno >= line), key=lambda node: node.lineno)
    node = next(iter(beside or below), around[-1])
    return node.lineno, node.end_lineno or node.lineno
