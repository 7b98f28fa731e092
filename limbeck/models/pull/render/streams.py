"""Modules that are formatted while what stands in them is still being made."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

from limbeck.models.pull.options import Options
from limbeck.models.pull.render.formatting import SORTING, settings
from limbeck.models.pull.render.modules import Home, Module, with_imports
from limbeck.models.pull.render.pipes import Ruff, Run, loads
from limbeck.models.source.text import Source

# A statement that stands before each module where many are one text.
_MARK = "limbeck_module_"
_MODULE = re.compile(r"^ *from (\S+) import ", re.MULTILINE)
# What stands for all that follows the imports.
_BELOW = "limbeck_below"
_STUB = re.compile(rf"^(class {_BELOW}: \.\.\.|{_BELOW} = 0)\n*\Z", re.MULTILINE)


def file_formatted(docstring: str, pieces: Iterable[Source], home: Home, options: Options) -> str:
    """Return the text of one module with sorted imports, formatted by ruff.

    Args:
        docstring: of the module.
        pieces: its statements, of which there is at least one; they are made one by one.
        home: what the pieces import from.
        options: how the models are laid out, and whose ruff settings hold.

    Raises:
        LimbeckError: ruff cannot read the module or its settings.

    """
    imports: set[str] = set()
    blocks = _blocks(_texts(pieces, imports))
    first = next(blocks)
    with _ruff(options) as ruff:
        runs = [
            ruff.started("format", (), "\n\n".join(load) + "\n")
            for load in loads((block, len(block)) for block in blocks)
        ]
        module = with_imports(docstring, imports, (first,), home)
        heads = _Heads(ruff, ())
        heads.start([module])
        start = _apart(_formatted([module], heads, ruff).text())
        texts = [*start, *(one.text() for one in runs)]
    return "\n\n\n".join(text.strip() for text in texts) + "\n"


def modules_formatted(
    modules: Iterable[tuple[str, Module]], own: Iterable[str], options: Options
) -> dict[str, str]:
    """Return the texts of modules with sorted imports and formatted by ruff, by path.

    They go through ruff as a few texts: a thousand files take longer than all the rest.

    Args:
        modules: docstring and imports of each, and what stands below them, by path; they are
            made one by one.
        own: all imports that only annotations may need.
        options: how the models are laid out, and whose ruff settings hold.

    Raises:
        LimbeckError: ruff cannot read the modules or its settings.

    """
    sized = ((found, len(found[1].text)) for found in modules)
    paths: list[str] = []
    runs: list[Run] = []
    with _ruff(options) as ruff:
        heads = _Heads(ruff, own)
        waiting: list[Module] = []
        for load in loads(sized):
            paths += [path for path, _ in load]
            # Their imports are sorted while the next ones are made.
            runs += [_formatted(waiting, heads, ruff)] if waiting else []
            waiting = [module for _, module in load]
            heads.start(waiting)
        runs += [_formatted(waiting, heads, ruff)] if waiting else []
        texts = [text for one in runs for text in _apart(one.text())]
    made = zip(paths, texts, strict=True)
    return {path: f"{text.strip()}\n" for path, text in sorted(made)}


def _ruff(options: Options) -> Ruff:
    return Ruff(options.root or Path.cwd(), settings(options.root, options.package))


def _texts(pieces: Iterable[Source], imports: set[str]) -> Iterator[str]:
    for piece in pieces:
        imports |= piece.imports
        yield piece.text


def _blocks(pieces: Iterable[str]) -> Iterator[str]:
    """Yield what can be formatted by itself: before a class come two blank lines anyway."""
    block: list[str] = []
    for piece in pieces:
        if block and piece.startswith("class "):
            yield "\n\n".join(block)
            block = []
        block.append(piece)
    yield "\n\n".join(block)


class _Heads:
    """The imports of modules, sorted by ruff: those that are alike only once.

    Those that only annotations need are sorted all together, and each module has some of them.
    """

    def __init__(self, ruff: Ruff, own: Iterable[str]) -> None:
        self._ruff = ruff
        lines = "\n    ".join(own)
        self._own = ruff.started("check", SORTING, f"if True:\n    {lines}\n") if lines else None
        self._sorted: dict[str, str] = {}
        self._asked: dict[str, None] = {}
        self._run: Run | None = None

    def start(self, modules: Iterable[Module]) -> None:
        """Start to sort the imports of modules, after `of` was asked for those before."""
        made = dict.fromkeys(map(_with_stub, modules))
        self._asked = {text: None for text in made if text not in self._sorted}
        if self._asked:
            heads = (f"{_MARK}{n}\n\n{text}" for n, text in enumerate(self._asked))
            self._run = self._ruff.started("check", SORTING, "\n\n".join(heads) + "\n")

    def of(self, module: Module) -> str:
        """Return the docstring of a module and its sorted imports."""
        if self._run:
            made = zip(self._asked, _apart(self._run.text()), strict=True)
            self._sorted |= {text: _STUB.sub("", top).lstrip() for text, top in made}
            self._run = None
        places = self._places  # read in any case, for a process was started on it
        own = sorted(module.own, key=lambda line: places[_MODULE.findall(line)[0]])
        return module.head(self._sorted[_with_stub(module)], own)

    @cached_property
    def _places(self) -> dict[str, int]:
        """Where each module stands among all that are imported for annotations."""
        text = self._own.text() if self._own else ""
        return {name: place for place, name in enumerate(_MODULE.findall(text))}


def _formatted(modules: Sequence[Module], heads: _Heads, ruff: Ruff) -> Run:
    """Start to format modules whose imports are being sorted."""
    texts: list[str] = []
    for number, one in enumerate(modules):
        body = "\n\n".join(one.pieces)
        texts.append(f"{_MARK}{number}\n\n{heads.of(one)}{body}\n")
    return ruff.started("format", (), "\n".join(texts))


def _with_stub(module: Module) -> str:
    """Return a module's imports and, for what follows says how they end, something below them."""
    if not module.pieces:
        return module.imports
    is_class = module.pieces[0].startswith("class ")
    return f"{module.imports}\n\n{f'class {_BELOW}: ...' if is_class else f'{_BELOW} = 0'}\n"


def _apart(text: str) -> list[str]:
    _, *marked = f"\n{text}".split(f"\n{_MARK}")
    return [below for _, _, below in (one.partition("\n") for one in marked)]
