"""Read revision files without running them, and put them in order."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import field, replace
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from limbeck.dataclass import dataclass
from limbeck.errors import HistoryError
from limbeck.paths import shown
from limbeck.shell import command

FUNCTIONS = re.compile(rb"^(?:async )?def ", re.MULTILINE)
ENGINE = re.compile(rb"create_(?:async_)?engine\b|engine_from_config\b")
MARK = re.compile(rb"^phase\b", re.MULTILINE)
IMPORT = re.compile(r"[ \t]*(?:from[ \t]+(\w+)|import[ \t]+([\w., \t]+))")


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision file, by its text; `down` has the ids of the revisions that it follows.

    `message` is the first paragraph of the file's docstring, `doc` all of it. `needs` has the ids
    of `depends_on`, `across` those in the other history of a project with tenants. A squash names
    the ids that it replaces, its own among them, in `replaces`, and in `replaced_sql` the checksums
    of the code with which its own id was applied before. `imports` are the top-level modules that
    the file imports, `connects` whether it creates an engine of its own, `commits` whether it may
    commit before its end, as far as its text tells, `in_phases` whether it names a phase. `digest`
    is the hash of the file's bytes.
    """

    id: str
    down: tuple[str, ...]
    message: str
    path: Path
    doc: str = field(default="", repr=False)
    needs: tuple[str, ...] = ()
    across: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    replaced_sql: tuple[str, ...] = ()
    imports: frozenset[str] = frozenset()
    connects: bool = False
    commits: bool = False
    in_phases: bool = False
    digest: str = field(default="", repr=False)

    @property
    def parents(self) -> tuple[str, ...]:
        """The ids of the revisions that must be applied before this one."""
        return (*self.down, *(need for need in self.needs if need not in self.down))

    def __str__(self) -> str:
        return f"{self.id} ({self.message})" if self.message else self.id


def read(path: Path) -> Revision:
    """Read one revision file, whose ids must be literals, as Alembic writes them.

    Raises:
        HistoryError: it is not Python, or has no revision id; the message begins with file:line.

    """
    source = _source(path)
    tree, values = _head(source, path)
    id_ = values.get("revision")
    if not isinstance(id_, str):
        raise HistoryError(
            f"{shown(path)} has no revision id",
            hint="Write `revision = ...` in it, or move the file out of the folder.",
        )
    doc = (ast.get_docstring(tree) or "").strip()
    return Revision(
        id=id_,
        down=_ids(values.get("down_revision")),
        message=" ".join(doc.split("\n\n")[0].split()),
        path=path,
        doc=doc,
        needs=_ids(values.get("depends_on")),
        across=_ids(values.get("shared_revision")) + _ids(values.get("tenants_revision")),
        labels=_ids(values.get("branch_labels")),
        replaces=_ids(values.get("replaces")),
        replaced_sql=_ids(values.get("replaced_sql")),
        imports=_imports(source),
        connects=b"engine" in source and ENGINE.search(source) is not None,
        commits=b"autocommit_block" in source or b"COMMIT" in source.upper(),
        in_phases=MARK.search(_above_functions(source)) is not None,
        digest=hashlib.sha256(source).hexdigest(),
    )


def ordered(read_: Iterable[Revision]) -> dict[str, Revision]:
    """Return revisions by id, parents first, with abbreviated ids of parents completed.

    Raises:
        HistoryError: two files have the same id, a parent is missing, or revisions follow each
            other in a circle.

    """
    revisions: dict[str, Revision] = {}
    for revision in read_:
        if (other := revisions.setdefault(revision.id, revision)) is not revision:
            raise HistoryError(
                f"two files have revision {revision.id}: {shown(other.path)}, "
                f"{shown(revision.path)}",
                hint="Give one of them an id of its own, or remove the copy.",
            )
    for id_, revision in revisions.items():
        # A history of both parts has them; that of one part is not asked about the other.
        if needs := tuple(each for each in revision.across if each in revisions):
            revisions[id_] = replace(revision, needs=(*revision.needs, *needs))
    labels = {label: each.id for each in revisions.values() for label in each.labels}
    completed = {id_: _completed(each, revisions, labels) for id_, each in revisions.items()}
    return {revision.id: revision for revision in _in_order(completed)}


def _imports(source: bytes) -> frozenset[str]:
    """Return the names of the top-level modules that a revision file imports."""
    starts = {start for word in (b"from", b"import") for start in _lines(source, word)}
    ends = (source.find(b"\n", start) for start in starts)
    lines = (
        source[start : end if end >= 0 else None] for start, end in zip(starts, ends, strict=True)
    )
    imports = (IMPORT.match(line.decode(errors="replace")) for line in lines)
    names = (name for each in imports if each for name in (each[1] or each[2]).split(","))
    return frozenset(name.split()[0] for name in names if name.strip())


def _lines(source: bytes, word: bytes) -> Iterator[int]:
    """Yield where the lines begin that contain a word.

    A regular expression would look at each line, and a first revision may have 50,000.
    """
    place = source.find(word)
    while place >= 0:
        yield source.rfind(b"\n", 0, place) + 1
        place = source.find(word, place + len(word))


def way_out(squash: Revision, id_: str) -> str:
    """Return the hint for a database that is in the middle of the revisions a squash replaced."""
    return (
        "Run the rest of them with their files "
        f"({command('git', 'log', '--diff-filter=D', '--', f'*{id_}*')} names the "
        f"commit that removed them): `{command('limbeck', 'migrate', '--to', squash.id)}` before "
        f"that commit. If the schema is that of {squash.id} already: "
        f"`{command('limbeck', 'stamp', squash.id)}`."
    )


def parsed(path: Path) -> ast.Module:
    """Return the syntax tree of a revision file.

    Raises:
        HistoryError: it cannot be read, or is not Python; the message begins with file:line.

    """
    with _readable(path):
        status = path.stat()
    return _parsed(path, status.st_mtime_ns, status.st_size)


# The questions about a file follow each other, while the runner has up to 32 of them before it.
@lru_cache(maxsize=64)
def _parsed(path: Path, modified: int, size: int) -> ast.Module:  # noqa: ARG001 - the cache's key
    return _parse(_source(path), path)


def _above_functions(source: bytes) -> bytes:
    first = FUNCTIONS.search(source)
    return source[: first.start()] if first else source


def _source(path: Path) -> bytes:
    with _readable(path):
        return path.read_bytes()


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise HistoryError(f"{shown(path)} cannot be read: {error.strerror}") from error


def _head(source: bytes, path: Path) -> tuple[ast.Module, dict[str, object]]:
    # The ids are above the functions, and parsing dominates the time to read a long history.
    with contextlib.suppress(SyntaxError, ValueError):
        tree = ast.parse(_above_functions(source))
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
    {
        *("revision", "down_revision", "depends_on", "branch_labels", "replaces", "replaced_sql"),
        *("shared_revision", "tenants_revision"),
    }
)


def literals(
    tree: ast.Module, path: Path, names: Collection[str] = _NAMES
) -> Iterator[tuple[str, object]]:
    """Yield the names that a module assigns at its top level, with their values.

    Args:
        tree: the module.
        path: its file, for errors.
        names: the names to yield.

    Raises:
        HistoryError: a value is not a literal, so that only running the file could tell it.

    """
    for node in tree.body:
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign):
            targets = [node.target]
        for target in targets:
            if isinstance(target, ast.Name) and target.id in names:
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
    return tuple(str(id_) for id_ in value) if isinstance(value, list | tuple | set) else ()


def _completed(
    revision: Revision, revisions: Mapping[str, Revision], labels: Mapping[str, str]
) -> Revision:
    if all(parent in revisions for parent in revision.parents):
        return revision

    def complete(text: str) -> str:
        if text in revisions:
            return text
        matches = [id_ for id_ in revisions if id_.startswith(text)]
        if text in labels or len(matches) == 1:
            return labels.get(text) or matches[0]
        raise HistoryError(
            f"{shown(revision.path)} follows revision {text}, which no file has",
            hint="Restore the missing file (git log --all --diff-filter=D -- "
            f"'*{text}*'), or correct down_revision.",
        )

    down, needs = (tuple(complete(text) for text in ids) for ids in (revision.down, revision.needs))
    return replace(revision, down=down, needs=needs)


def _in_order(revisions: Mapping[str, Revision]) -> Iterator[Revision]:
    sorter = TopologicalSorter({id_: revision.parents for id_, revision in revisions.items()})
    try:
        yield from (revisions[id_] for id_ in sorter.static_order())
    except CycleError as error:
        files = ", ".join(shown(revisions[id_].path) for id_ in sorted(set(error.args[1])))
        raise HistoryError(
            f"these revisions follow each other in a circle: {files}",
            hint="Correct the down_revision of one of them.",
        ) from error
