"""Commands to type next, in hints: names in them come from databases and files."""

from __future__ import annotations

import re
import shlex
from typing import Final

# Words that stand for what the user has to write, such as NAME or ^self@TIME.
_PLACEHOLDER: Final = re.compile(r"[A-Z]+(?::[A-Z]+)?|\^self@TIME")


def command(*words: object) -> str:
    """Return a command line for a POSIX shell, each word quoted where the shell needs it."""
    return " ".join(map(_quoted, map(str, words)))


# The commands that are about one tenant with --tenant, and what follows their name in a hint.
_OF_TENANTS: Final = re.compile(
    r"limbeck (migrate|rollback|backfill|contract|stamp|repair|log) -e [\w-]+(?! --tenant)(?![\w-])"
)


def for_tenant(text: str, tenant: str, *, alone: bool = True) -> str:
    """Return a hint whose commands are about a tenant of the environment that they name.

    Args:
        text: The hint.
        tenant: The schema.
        alone: Whether nobody else needs the same; otherwise `migrate`, `backfill` and `contract`
            are for all of them.

    """

    def addressed(match: re.Match[str]) -> str:
        general = match[1] in {"migrate", "backfill", "contract"} and not alone
        return match[0] if general else f"{match[0]} {command('--tenant', tenant)}"

    return _OF_TENANTS.sub(addressed, text)


def _quoted(word: str) -> str:
    return word if _PLACEHOLDER.fullmatch(word) else shlex.quote(word)
