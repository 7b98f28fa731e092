"""JSON and YAML of plain dicts, lists and scalars, in the given order, with passwords masked.

`to_json` is for limbeck's own answers, whose shapes `docs/json` has; `plain_json` is for formats
that others define: SARIF, Neon's branches, the two URLs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from limbeck.masking.mask import masked_data
from limbeck.visible import visible_json

VERSION: Final = 1
"""The version of all answers; docs/json/README.md says what raises it."""

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_RESERVED = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}


def to_json(value: Any, *, masked: bool = True) -> str:
    """Return an answer as JSON: `plain_json` of it, with the version of its shape."""
    return plain_json(versioned(value), masked=masked)


def versioned(value: Any) -> Any:
    """Return an answer with the version of its shape; of a list, each element has it."""
    if isinstance(value, list):
        return [versioned(each) for each in value]
    return {"version": VERSION, **value}


def plain_json(value: Any, *, masked: bool = True) -> str:
    """Return JSON, indented by two, without escapes for non-ASCII letters.

    Passwords are not `masked` where the answer is a URL that the user has asked for.
    """
    shown = masked_data(value) if masked else value
    return visible_json(json.dumps(shown, indent=2, ensure_ascii=False))


def to_yaml(value: Any) -> str:
    """Return YAML 1.2 in block style; ambiguous strings are quoted."""
    return visible_json("\n".join(_lines(masked_data(value))))


def _lines(value: Any) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _entry(f"{_scalar(str(key))}:", inner)
    elif isinstance(value, list) and value:
        for inner in value:
            first, *rest = _lines(inner)
            yield f"- {first}"
            yield from (f"  {line}" for line in rest)
    else:
        yield _scalar(value)


def _entry(label: str, inner: Any) -> Iterator[str]:
    if isinstance(inner, (dict, list)) and inner:
        yield label
        yield from (f"  {line}" for line in _lines(inner))
    else:
        yield f"{label} {_scalar(inner)}"


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _RESERVED:
        return value
    return json.dumps(value, ensure_ascii=False)
