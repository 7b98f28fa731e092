"""A user's module while it is changed: edits and imports are collected, then applied at once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import field

from limbeck.dataclass import dataclass
from limbeck.models.pull.edit.imports import readable, respelled, with_imports
from limbeck.models.pull.edit.matching import called
from limbeck.models.pull.edit.syntax import (
    Changes,
    Edit,
    Parsed,
    after,
    applied,
    element_edits,
)
from limbeck.models.pull.render import modules
from limbeck.models.pull.render.modules import Home
from limbeck.models.source.text import Argument, Source

_RELATED = frozenset({"relationship", "Relationship"})


@dataclass(slots=True)
class Draft:
    """A module and the changes to it; `left` describes those that have to be made by hand.

    `bare` are columns without a value that gain arguments; `arguments` and `options` become a
    new __table_args__ below a statement.
    """

    parsed: Parsed
    edits: list[Edit] = field(default_factory=list)
    imports: set[str] = field(default_factory=set)
    left: list[str] = field(default_factory=list)
    changes: dict[ast.Call | ast.Tuple | ast.List, Changes] = field(default_factory=dict)
    bare: dict[ast.AnnAssign, list[str]] = field(default_factory=dict)
    arguments: dict[ast.stmt, list[str]] = field(default_factory=dict)
    options: dict[ast.stmt, list[str]] = field(default_factory=dict)

    def of(self, node: ast.Call | ast.Tuple | ast.List) -> Changes:
        """Return the changes to a node's elements, to add to them."""
        return self.changes.setdefault(node, Changes())

    def spelled(self, source: Argument) -> str:
        """Return source as the module spells it, and note the imports that it needs."""
        spelled = self._respelled(source)
        self.imports |= spelled.imports
        return spelled.text

    def spelled_quietly(self, source: Argument) -> str:
        """Return source as the module spells it, without noting imports: for a comparison."""
        return self._respelled(source).text

    def _respelled(self, argument: Argument) -> Source:
        source = argument if isinstance(argument, Source) else Source(argument)
        keyword, is_keyword, value = source.text.partition("=")
        if is_keyword and keyword.isidentifier() and not value.startswith("="):
            spelled = respelled(Source(value, source.imports), self.parsed)
            return Source(f"{keyword}={spelled.text}", spelled.imports)
        return respelled(source, self.parsed)

    def append(self, body: ast.ClassDef, relationship: Source) -> None:
        """Add a relationship to a class: below the last one, else below the columns."""
        self.imports |= relationship.imports
        related = [node for node in body.body if called(getattr(node, "value", None)) in _RELATED]
        assigned = [node for node in body.body if isinstance(node, (ast.Assign, ast.AnnAssign))]
        below = (related or assigned or body.body)[-1]
        insertion = after(self.parsed, below, readable(relationship.text, self.parsed.text))
        # A blank line separates columns from relationships.
        if not related and all(edit.start != insertion.start for edit in self.edits):
            insertion = Edit(insertion.start, insertion.end, f"\n{insertion.text}")
        self.edits.append(insertion)

    def result(self, home: Home) -> str:
        """Return the text of the module with all changes."""
        # The arguments of a table precede a column that is inserted at the same place.
        edits = [*self._table_args(), *self.edits]
        for node, changes in self.changes.items():
            edits += element_edits(self.parsed, node, changes)
        for statement, arguments in self.bare.items():
            end = self.parsed.end(statement)
            arguments.sort(key=lambda argument: argument.partition("=")[0].isidentifier())
            edits.append(Edit(end, end, f" = mapped_column({', '.join(arguments)})"))
        text = applied(self.parsed.text, edits)
        return with_imports(text, *modules.resolved(self.imports, home))

    def _table_args(self) -> Iterator[Edit]:
        for statement in {**self.arguments, **self.options}:
            elements = list(self.arguments.get(statement, ()))
            pairs = self.options.get(statement)
            values = [*elements, *([f"{{{', '.join(pairs)}}}"] if pairs else [])]
            # A comma that is not needed would make the formatter use a line for each element.
            value = f"({', '.join(values)}{',' * (len(values) == 1)})" if elements else values[0]
            yield after(self.parsed, statement, f"__table_args__ = {value}")
