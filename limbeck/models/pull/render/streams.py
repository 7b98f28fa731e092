"""Formatting of pulled modules in threads, while `writing` renders the next ones."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeAlias

from limbeck.models.pull.options import Options
from limbeck.models.pull.render.formatting import SORTING, settings
from limbeck.models.pull.render.modules import Home, with_imports
from limbeck.models.source.ruff import ruff
from limbeck.models.source.text import Source

# Runs a verb of ruff on a text.
Runner: TypeAlias = Callable[[str, str], str]
# A statement that precedes each module in a text of many: isort sorts the imports between two
# other statements by themselves, so the modules come out as if each were formatted alone.
_MARK = "limbeck_module_"
_CLASS = "\n\n\nclass "
_STUB = "_: ..."
# Characters for one process: starting ruff takes as long as formatting some thousand lines.
_LOAD = 200_000


def file_formatted(docstring: str, pieces: Iterable[Source], home: Home, options: Options) -> str:
    """Return the text of one module with sorted imports, formatted by ruff.

    Args:
        docstring: of the module.
        pieces: its statements, at least one; they are rendered while they are iterated.
        home: the package that the pieces import from.
        options: the layout of the models, and the repository whose ruff settings apply.

    Raises:
        RuffError: ruff cannot parse the module or its settings.

    """
    imports: set[str] = set()
    blocks = _blocks(_texts(pieces, imports))
    first = next(blocks)
    run = _runner(options)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        # map() consumes the pieces before it returns: only then are all imports known.
        rest = pool.map(lambda text: run("format", text), map("\n\n".join, _loads(blocks)))
        top = with_imports(docstring, imports, (first,), home)
        texts = [run("format", run("check", top)), *rest]
    return "\n\n\n".join(text.strip() for text in texts) + "\n"


def modules_formatted(modules: Iterable[tuple[str, str]], options: Options) -> dict[str, str]:
    """Return the texts of modules with sorted imports and formatted by ruff, by path.

    ruff receives them as a few texts: opening a thousand files takes longer than formatting them.

    Args:
        modules: path and text of each; they are rendered while they are iterated.
        options: the layout of the models, and the repository whose ruff settings apply.

    Raises:
        RuffError: ruff cannot parse the modules or its settings.

    """
    paths: list[str] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        formatted = pool.map(partial(_formatted, _runner(options)), _loads(_noted(modules, paths)))
        texts = [text for load in formatted for text in load]
    return dict(sorted(zip(paths, texts, strict=True)))


def _formatted(run: Runner, modules: Sequence[str]) -> list[str]:
    # isort needs what precedes the first class; the classes would double its time.
    parts = [text.partition(_CLASS) for text in modules]
    heads = (f"{top}{_CLASS}{_STUB}" if body else top for top, _, body in parts)
    tops = _apart(run("check", _marked(heads)))
    texts = (top.removesuffix(_STUB) + body for top, (_, _, body) in zip(tops, parts, strict=True))
    return [f"{text}\n" for text in _apart(run("format", _marked(texts)))]


def _runner(options: Options) -> Runner:
    folder, own = options.root or Path.cwd(), settings(options.root, options.package)
    sorting = {"check": SORTING}
    return lambda verb, text: ruff(folder, [verb, *own, *sorting.get(verb, ()), "-"], text)


def _texts(pieces: Iterable[Source], imports: set[str]) -> Iterator[str]:
    for piece in pieces:
        imports |= piece.imports
        yield piece.text


def _blocks(pieces: Iterable[str]) -> Iterator[str]:
    """Yield texts that can be formatted apart: two blank lines precede every class anyway."""
    block: list[str] = []
    for piece in pieces:
        if block and piece.startswith("class "):
            yield "\n\n".join(block)
            block = []
        block.append(piece)
    yield "\n\n".join(block)


def _loads(texts: Iterable[str]) -> Iterator[list[str]]:
    """Yield lists of texts, each large enough for a process of its own."""
    load: list[str] = []
    size = 0
    for text in texts:
        load.append(text)
        size += len(text)
        if size >= _LOAD:
            yield load
            load, size = [], 0
    if load:
        yield load


def _noted(modules: Iterable[tuple[str, str]], paths: list[str]) -> Iterator[str]:
    for path, text in modules:
        paths.append(path)
        yield text


def _marked(texts: Iterable[str]) -> str:
    return "\n\n".join(f"{_MARK}{number}\n\n{text}" for number, text in enumerate(texts))


def _apart(text: str) -> list[str]:
    marked = f"\n{text}".split(f"\n{_MARK}")[1:]
    return [below.partition("\n")[2].strip() for below in marked]
