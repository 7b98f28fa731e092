"""Revision files, read without running them."""

from __future__ import annotations

import ast
import contextlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from limbeck.errors import HistoryError
from limbeck.paths import shown

FUNCTIONS = re.compile(rb"^(?:async )?def ", re.MULTILINE)
IMPORT = re.compile(r"^[ \t]*(?:from[ \t]+(\w+)|import[ \t]+([\w., \t]+))", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision file, as its text says; `down` holds the ids that it follows.

    `message` is the first paragraph of the file's docstring, `doc` all of it. `needs` holds the
    ids of `depends_on`. A squash says the ids that it stands for, its own among them, in
    `replaces`, and in `replaced_sql` the checksums under which its own was applied before.
    """

    id: str
    down: tuple[str, ...]
    message: str
    path: Path
    doc: str = field(default="", repr=False)
    needs: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    replaced_sql: tuple[str, ...] = ()

    @property
    def parents(self) -> tuple[str, ...]:
        """The ids that have to be applied before this one."""
        return (*self.down, *(need for need in self.needs if need not in self.down))

    def __str__(self) -> str:
        return f"{self.id} ({self.message})" if self.message else self.id


@cache
def unchanged(path: str, modified: int, size: int) -> Revision:  # noqa: ARG001 - the cache's key
    """Return what `read` does, read again only when the file's time or size is another."""
    return read(Path(path))


def read(path: Path) -> Revision:
    """Read one revision file; its ids have to be literals, as Alembic writes them.

    Raises:
        HistoryError: no Python, or no revision id; the message begins with file:line.

    """
    source = _source(path)
    tree, values = _head(source, path)
    id_ = values.get("revision")
    if not isinstance(id_, str):
        raise HistoryError(
            f"{shown(path)} has no revision id",
            hint="Write `revision = ...` in it, or move the file out of the versions folder.",
        )
    doc = (ast.get_docstring(tree) or "").strip()
    return Revision(
        id=id_,
        down=_ids(values.get("down_revision")),
        message=" ".join(doc.split("\n\n")[0].split()),
        path=path,
        doc=doc,
        needs=_ids(values.get("depends_on")),
        labels=_ids(values.get("branch_labels")),
        replaces=_ids(values.get("replaces")),
        replaced_sql=_ids(values.get("replaced_sql")),
    )


def ordered(found: Iterable[Revision]) -> dict[str, Revision]:
    """Return the revisions by id, parents first, with their parents' ids made whole.

    Raises:
        HistoryError: one id in two files, a parent that no file holds, or a ring.

    """
    revisions: dict[str, Revision] = {}
    for one in found:
        if (other := revisions.setdefault(one.id, one)) is not one:
            raise HistoryError(
                f"revision {one.id} stands in two files: {shown(other.path)}, {shown(one.path)}",
                hint="Give one of them an id of its own, or remove the copy.",
            )
    labels = {label: one.id for one in revisions.values() for label in one.labels}
    resolved = {one.id: _resolved(one, revisions, labels) for one in revisions.values()}
    return {one.id: one for one in _in_order(resolved)}


def imported(revision: Revision) -> frozenset[str]:
    """Return the names of the top-level modules that a revision file imports."""
    found = IMPORT.findall(revision.path.read_text(encoding="utf-8", errors="replace"))
    names = (name for module, modules in found for name in (module or modules).split(","))
    return frozenset(name.split()[0] for name in names if name.strip())


def way_out(squash: Revision, id_: str) -> str:
    """Return what to do with a database that is in the middle of what a squash has replaced."""
    return (
        f"Run the rest of them with the files from before (git log --diff-filter=D -- '*{id_}*' "
        f"names the commit): limbeck migrate --to {squash.id} there. If its schema is that of "
        f"{squash.id} already: limbeck stamp {squash.id}"
    )


def _source(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise HistoryError(f"{shown(path)} cannot be read: {error.strerror}") from error


def _head(source: bytes, path: Path) -> tuple[ast.Module, dict[str, object]]:
    # The ids stand above the functions; parsing no further makes a long history quick to read.
    with contextlib.suppress(SyntaxError, ValueError):
        tree = ast.parse(FUNCTIONS.split(source, maxsplit=1)[0])
        if values := dict(literals(tree, path)):
            return tree, values
    tree = _parse(source, path)
    return tree, dict(literals(tree, path))


def _parse(source: bytes, path: Path) -> ast.Module:
    try:
        return ast.parse(source, filename=str(path))
    except SyntaxError as error:
        raise HistoryError(
            f"{shown(path)}:{error.lineno or 1}: {error.msg}",
            hint="Correct the revision file; nothing was run.",
        ) from error
    except ValueError as error:
        raise HistoryError(f"{shown(path)}: {error}") from error


_NAMES = frozenset(
    {"revision", "down_revision", "depends_on", "branch_labels", "replaces", "replaced_sql"}
)


def literals(
    tree: ast.Module, path: Path, wanted: Collection[str] = _NAMES
) -> Iterator[tuple[str, object]]:
    """Yield what a module sets these names to at its top.

    Raises:
        HistoryError: one is set to what only running the file could tell.

    """
    for node in tree.body:
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign):
            targets = [node.target]
        for target in targets:
            if isinstance(target, ast.Name) and target.id in wanted:
                yield target.id, _literal(node, target.id, path)


def _literal(node: ast.stmt, name: str, path: Path) -> object:
    value = getattr(node, "value", None)
    try:
        return None if value is None else ast.literal_eval(value)
    except ValueError as error:
        raise HistoryError(
            f"{shown(path)}:{node.lineno}: {name} is not a literal",
            hint="Write the value itself, so that the history can be read without running it.",
        ) from error


def _ids(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    return tuple(str(one) for one in value) if isinstance(value, list | tuple | set) else ()


def _resolved(
    revision: Revision, revisions: Mapping[str, Revision], labels: Mapping[str, str]
) -> Revision:
    def whole(text: str) -> str:
        if text in revisions:
            return text
        found = [id_ for id_ in revisions if id_.startswith(text)]
        if text in labels or len(found) == 1:
            return labels.get(text) or found[0]
        raise HistoryError(
            f"{shown(revision.path)} follows revision {text}, which no file holds",
            hint="Bring back the missing file (git log --all --diff-filter=D -- "
            f"'*{text}*'), or correct down_revision.",
        )

    down, needs = (tuple(whole(text) for text in ids) for ids in (revision.down, revision.needs))
    return replace(revision, down=down, needs=needs)


def _in_order(revisions: Mapping[str, Revision]) -> Iterator[Revision]:
    sorter = TopologicalSorter({one.id: one.parents for one in revisions.values()})
    try:
        yield from (revisions[id_] for id_ in sorter.static_order())
    except CycleError as error:
        files = ", ".join(shown(revisions[id_].path) for id_ in sorted(set(error.args[1])))
        raise HistoryError(
            f"these revisions follow each other in a ring: {files}",
            hint="Correct the down_revision of one of them.",
        ) from error
