"""The README as package registries show it, where relative links lead nowhere."""

from __future__ import annotations

import re
from pathlib import Path

from hatchling.metadata.plugin.interface import MetadataHookInterface

LINK = re.compile(r"(!?)\[([^\]]+)\]\((?!https?://|#)([^)\s]+)\)")


def portable(text: str, base: str) -> str:
    """Return a README without relative links.

    Args:
        text: The README.
        base: The address of the repository's files on the web, with a slash at its end; the links
            become absolute. Without one, a link becomes its text and a picture is left out.

    """

    def replace(match: re.Match[str]) -> str:
        mark, label, target = match.groups()
        if base:
            return f"{mark}[{label}]({base}{target})"
        return "" if mark else label

    return LINK.sub(replace, text).replace("\n\n\n", "\n")


class ReadmeHook(MetadataHookInterface):
    """Writes `readme` into the metadata; `base` is set in pyproject.toml."""

    def update(self, metadata: dict[str, object]) -> None:
        """Set the readme."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        readme = portable(text, str(self.config.get("base", "")))
        metadata["readme"] = {"content-type": "text/markdown", "text": readme}
