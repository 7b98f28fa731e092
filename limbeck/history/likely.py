"""Which revision a misspelled name was meant to be; asked only for the hint of an error."""

from __future__ import annotations

from collections.abc import Mapping

from limbeck.history.revisions import Revision
from limbeck.project import profile as profiles
from limbeck.project.project import Project
from limbeck.suggestions import meant


def likely(text: str, by_id: Mapping[str, Revision], project: Project | None) -> str:
    """Return "Did you mean X? " for a revision or an environment like the text, or nothing."""
    # People remember a revision's message rather than its id.
    lower = text.lower()
    messages = [each for each in by_id.values() if lower and lower in each.message.lower()]
    if len(messages) == 1:
        return f"Did you mean {messages[0]}? "
    environments = profiles.names(project.profiles_dir) if project else ()
    return meant(text, [*by_id, *environments, "models", "head", "base"])
