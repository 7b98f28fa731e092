"""Tell a revision where it runs; `limbeck.context` hands the question on to it."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, cast

Place: TypeAlias = Literal["target", "shadow", "offline"]
"""Where a revision runs.

"target" is the database that is migrated. "shadow" is a scratch database or a throw-away branch, on
which limbeck replays, lints, proves or rehearses. "offline" has no database: the revision is
rendered as SQL.
"""

ATTRIBUTE: Final = "limbeck"
"""The key in the attributes of Alembic's configuration."""


def where() -> Place:
    """Return where the running revision runs, also when Alembic's own commands run it.

    Without limbeck, `alembic.context.config.attributes.get("limbeck", "target")` says the same.
    """
    from alembic import context  # noqa: PLC0415 - slow, and loaded already where a revision runs

    try:
        place = context.config.attributes.get(ATTRIBUTE)
        return cast("Place", place or ("offline" if context.is_offline_mode() else "target"))
    except (AttributeError, NameError):  # no environment of Alembic: somebody imports the file
        return "offline"
