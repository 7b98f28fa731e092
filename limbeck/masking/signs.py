"""The mask, and what may hide a word from a search: for the mask and for its readers."""

from __future__ import annotations

from typing import Final

MASK: Final = "***"
# Where no word tells, one may be hidden: by an escape that spells a letter, or in a string that
# continues in the next line.
HIDING: Final = r"\\[xu+0-9a-f]|'[^'\S\n]*(?:--[^\n]*)?\n(?:\s|--[^\n]*\n)*'"
