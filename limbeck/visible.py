"""Make control characters visible: names and messages come from databases, servers and APIs.

A terminal obeys escape sequences wherever they stand: a table could be named so that its name
clears the screen, sets the window's title, or hides a line. Bidirectional controls show a text in
another order than it has.
"""

from __future__ import annotations

import re
from typing import Final

# C0 without tab and line feed, DEL, C1; the marks that Unicode's bidirectional algorithm obeys
# (UAX #9), its separators of lines and paragraphs; halves of characters, which cannot be encoded.
_CONTROLS: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_LATIN: Final = 0x100


def visible(text: str) -> str:
    r"""Return a text in which control characters are written as `\x1b` or `\u202e`."""
    return _CONTROLS.sub(_shown, text)


def visible_json(text: str) -> str:
    r"""Return JSON in which control characters are escaped, as `\u009b`; its value is the same."""
    return _CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _shown(match: re.Match[str]) -> str:
    number = ord(match[0])
    return f"\\x{number:02x}" if number < _LATIN else f"\\u{number:04x}"
