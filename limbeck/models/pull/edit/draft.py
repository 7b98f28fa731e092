"""A user's module while it is changed: edits and imports pile up, then all are made at once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from limbeck.models.pull.edit.imports import readable, respelled, with_imports
from limbeck.models.pull.edit.matching import called
from limbeck.models.pull.edit.syntax import Edit, Elements, Node, Parsed, after, applied, changed
from limbeck.models.pull.render import modules
from limbeck.models.pull.render.modules import Home
from limbeck.models.source.text import Argument, Source

_RELATED = frozenset({"relationship", "Relationship"})


@dataclass(slots=True)
class Pending:
    """What happens to the elements of one call, tuple or list."""

    removed: list[Node] = field(default_factory=list)
    replaced: dict[Node, str] = field(default_factory=dict)
    positional: list[str] = field(default_factory=list)
    keywords: list[str] = field(default_factory=list)
    below: dict[Node, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Draft:
    """A module with the changes that are to be made to it; `left` says what cannot be.

    `bare` are columns without a value that get arguments; `arguments` and `options` make a new
    __table_args__ below a statement.
    """

    parsed: Parsed
    edits: list[Edit] = field(default_factory=list)
    imports: set[str] = field(default_factory=set)
    left: list[str] = field(default_factory=list)
    pending: dict[ast.Call | ast.Tuple | ast.List, Pending] = field(default_factory=dict)
    bare: dict[ast.AnnAssign, list[str]] = field(default_factory=dict)
    arguments: dict[ast.stmt, list[str]] = field(default_factory=dict)
    options: dict[ast.stmt, list[str]] = field(default_factory=dict)

    def of(self, node: ast.Call | ast.Tuple | ast.List) -> Pending:
        """Return what happens to a node's elements."""
        return self.pending.setdefault(node, Pending())

    def spelled(self, source: Argument) -> str:
        """Return source as the module spells it, and remember its imports."""
        made = self._respelled(source)
        self.imports |= made.imports
        return made.text

    def spelled_quietly(self, source: Argument) -> str:
        """Return source as the module spells it, for a comparison."""
        return self._respelled(source).text

    def _respelled(self, source: Argument) -> Source:
        given = source if isinstance(source, Source) else Source(source)
        keyword, is_keyword, value = given.text.partition("=")
        if is_keyword and keyword.isidentifier() and not value.startswith("="):
            made = respelled(Source(value, given.imports), self.parsed.text)
            return Source(f"{keyword}={made.text}", made.imports)
        return respelled(given, self.parsed.text)

    def append(self, body: ast.ClassDef, made: Source) -> None:
        """Put a relationship into a class: below the last one, else below the columns."""
        self.imports |= made.imports
        related = [node for node in body.body if called(getattr(node, "value", None)) in _RELATED]
        given = [node for node in body.body if isinstance(node, (ast.Assign, ast.AnnAssign))]
        below = (related or given or body.body)[-1]
        text = readable(made.text, self.parsed.text)
        edit = after(self.parsed, below, text)
        first = not related and not any(one.start == edit.start for one in self.edits)
        self.edits.append(Edit(edit.start, edit.end, f"\n{edit.text}" if first else edit.text))

    def result(self, home: Home) -> str:
        """Return the module with everything done."""
        edits = [*self.edits, *self._flushed(), *self._table_args()]
        for statement, arguments in self.bare.items():
            end = self.parsed.end(statement)
            arguments.sort(key=lambda one: one.partition("=")[0].isidentifier())
            edits.append(Edit(end, end, f" = mapped_column({', '.join(arguments)})"))
        text = applied(self.parsed.text, edits)
        return with_imports(text, *modules.resolved(self.imports, home))

    def _table_args(self) -> Iterator[Edit]:
        for statement in {**self.arguments, **self.options}:
            given = list(self.arguments.get(statement, ()))
            options = f"{{{', '.join(self.options.get(statement, ()))}}}"
            given += [options] if self.options.get(statement) else []
            one = f"({given[0]},)" if self.arguments.get(statement) else given[0]
            text = f"({', '.join(given)})" if len(given) > 1 else one
            yield after(self.parsed, statement, f"__table_args__ = {text}")

    def _flushed(self) -> Iterator[Edit]:
        for node, found in self.pending.items():
            is_call = isinstance(node, ast.Call)
            elements = (
                Elements.of_call(self.parsed, node)
                if isinstance(node, ast.Call)
                else Elements.of_display(self.parsed, node)
            )
            later = [
                one
                for one in elements.nodes
                if (isinstance(one, ast.keyword) or (not is_call and isinstance(one, ast.Dict)))
                and one not in found.removed
            ]
            inserted = bool(later and found.positional)
            yield from changed(
                self.parsed,
                elements,
                removed=found.removed,
                replaced=found.replaced,
                added=[*([] if inserted else found.positional), *found.keywords],
                inserted=found.positional if inserted else (),
                before=later[0] if inserted else None,
                below=found.below,
                single=isinstance(node, ast.Tuple),
            )
