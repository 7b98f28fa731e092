"""[tool.limbeck.ignore]: kinds of differences that are left out, by patterns of names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from limbeck.dataclass import dataclass
from limbeck.errors import ConfigurationError

if TYPE_CHECKING:
    from limbeck.schema.diff.settling import Difference

Kind: TypeAlias = "Callable[[Difference], bool]"
KINDS: Final[Mapping[str, Kind]] = {
    "constraint-names": lambda difference: difference.is_name_only,
    "comments": lambda difference: difference.attribute == "comment",
    "defaults": lambda difference: difference.attribute == "default",
    "extensions": lambda difference: difference.address.kind == "extension",
    "functions": lambda difference: difference.address.kind == "function",
}

_TABLES: Final = "Leave tables of others out with exclude-tables, which is beside ignore."
ELSEWHERE: Final[Mapping[str, str]] = {
    "column-order": "Remove it: the order of columns is never a difference.",
    "tables": _TABLES,
    "schemas": _TABLES.replace("tables", "schemas"),
}
"""What to do for what is no kind, although people look for it here."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """The ignored kinds, each with the patterns of the names of objects that it is ignored of."""

    patterns: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def ignores(self, difference: Difference) -> bool:
        """Return whether a difference is left out."""
        return any(
            KINDS[kind](difference) and _matches(difference, patterns)
            for kind, patterns in self.patterns
        )


def ignored(setting: Any) -> Ignored:
    """Return what a setting says.

    Raises:
        ConfigurationError: it names an unknown kind, or its patterns are no list of strings.

    """
    if not isinstance(setting, dict):
        raise ConfigurationError(
            "[tool.limbeck] ignore is not a table",
            hint='Write comments = ["*"] below [tool.limbeck.ignore].',
        )
    for kind, patterns in setting.items():
        if kind not in KINDS:
            raise ConfigurationError(
                f"[tool.limbeck.ignore] has no kind {kind}",
                hint=ELSEWHERE.get(kind) or f"The kinds are {', '.join(KINDS)}.",
            )
        if not isinstance(patterns, list) or not all(isinstance(each, str) for each in patterns):
            raise ConfigurationError(
                f"[tool.limbeck.ignore] {kind} is not a list of strings",
                hint=f'Write it as in {kind} = ["public.books.*"].',
            )
    return Ignored(tuple((kind, tuple(patterns)) for kind, patterns in setting.items()))


def _matches(difference: Difference, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, each) for name in difference.names for each in patterns)
