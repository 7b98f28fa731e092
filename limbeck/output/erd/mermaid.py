"""A diagram in the language of Mermaid, which GitHub and other sites draw."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from limbeck.output.erd.words import crossed, noted
from limbeck.schema.diagram import Box, Diagram, Line, Link
from limbeck.visible import visible

COLOURS: Final = {
    "new": "fill:#dafbe1,stroke:#1a7f37,color:#1f2328",
    "gone": "fill:#ffebe9,stroke:#cf222e,color:#1f2328,stroke-dasharray:4",
    "changed": "fill:#fff8c5,stroke:#9a6700,color:#1f2328",
}


def mermaid(diagram: Diagram) -> str:
    """Return an erDiagram; what has changed is coloured, and named by a word."""
    names = {box.address: f"t{number}" for number, box in enumerate(diagram.boxes)}
    lines = ["erDiagram"]
    for box in diagram.boxes:
        lines += _entity(names[box.address], box)
    for link in diagram.links:
        lines.append(_relation(names[link.source], names[link.target], link))
    for state, colour in COLOURS.items():
        if ids := [names[box.address] for box in diagram.boxes if box.state == state]:
            lines += [f"    classDef {state} {colour}", f"    class {','.join(ids)} {state}"]
    return "\n".join(lines)


def _entity(id_: str, box: Box) -> Iterator[str]:
    """Yield the lines of a table; the id is plain, so that any name may stand in the label."""
    yield f'    {id_}["{_text(noted(box.name, box.state))}"] {{'
    yield from (f"        {_attribute(line)}" for line in box.lines)
    yield "    }"


def _attribute(line: Line) -> str:
    key = ", ".join(word for word, is_ in (("PK", line.primary), ("FK", line.foreign)) if is_)
    remarks = [line.name] if _word(line.name) != line.name else []
    remarks += [] if line.nullable else ["not null"]
    remarks += crossed(line)
    text = _text("; ".join(remarks))
    parts = (_word(line.type), _word(line.name), key, f'"{text}"' if text else "")
    return " ".join(part for part in parts if part)


def _relation(source: str, target: str, link: Link) -> str:
    parent = "|o" if link.optional else "||"
    child = "o{" if link.many else "o|"
    label = noted(", ".join(link.columns), link.state)
    return f'    {target} {parent}--{child} {source} : "{_text(label)}"'


def _word(text: str) -> str:
    """Return a text as Mermaid's word: letters, digits and a few signs, a letter first."""
    word = re.sub(r"[^\w\[\]()-]+", "_", visible(text))
    return word if word[:1].isalpha() or word[:1] == "_" else f"_{word}"


def _text(text: str) -> str:
    """Return a text for quotes, where Mermaid knows entities and no other escapes."""
    plain = " ".join(visible(text).replace("#", "#35;").replace('"', "#quot;").split())
    return plain.replace("<", "#lt;").replace(">", "#gt;")
