"""[tool.limbeck.pull.names]: names in Python that `pull` uses, by names in the database."""

from __future__ import annotations

import keyword
from typing import Any

from limbeck.errors import ConfigurationError

_EXAMPLE = 'books = "Volume"'


def pulled_names(setting: Any) -> dict[str, tuple[str, ...]]:
    """Return the names that a setting chooses, one or two for each key.

    Raises:
        ConfigurationError: it has another key, or a name that is no identifier.

    """
    if not isinstance(setting, dict) or setting.keys() - {"names"}:
        raise ConfigurationError(
            "[tool.limbeck] pull has only names", hint=f"Write {_EXAMPLE} below {_SECTION}."
        )
    return {key: _names(key, value) for key, value in setting.get("names", {}).items()}


_SECTION = "[tool.limbeck.pull.names]"


def _names(key: str, value: Any) -> tuple[str, ...]:
    names = value if isinstance(value, list) else [value]
    sound = all(
        isinstance(name, str) and name.isidentifier() and not keyword.iskeyword(name)
        for name in names
    )
    if not sound or len(names) not in {1, 2}:
        raise ConfigurationError(
            f"{_SECTION} {key!r} is not a name in Python, or two for both sides of a relationship",
            hint=f"Write it as in {_EXAMPLE}.",
        )
    return tuple(names)
