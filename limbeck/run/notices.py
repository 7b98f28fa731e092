"""Notices about a database that is about to be migrated: edited and half-done revisions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from limbeck.engine import audit
from limbeck.engine.ledger import Entry, Ledger
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.project.profile import Profile
from limbeck.shell import command


def notices(
    history: History, profile: Profile, current: Sequence[str], entries: Ledger
) -> Iterator[str]:
    """Yield a sentence for each revision that is stuck, or was edited after it was applied."""
    for entry in entries.interrupted().values():
        if text := _stuck(history, profile, entry):
            yield text
    for revision in audit.edited(history, current, entries, quick=True):
        yield _edited(revision, profile)


def _edited(revision: Revision, profile: Profile) -> str:
    return (
        f"the file of {revision} was edited after it was applied: {profile.name} does not have the "
        "edit. Restore the file, and put the change into a new revision."
    )


def _stuck(history: History, profile: Profile, entry: Entry) -> str | None:
    """Return the notice about an interrupted revision that `migrate` does not continue."""
    if entry.revision not in {each.id for each in history.revisions()}:
        repair = command("limbeck", "repair", "-e", profile.name, entry.revision, "--forget")
        return (
            f"revision {entry.revision} was interrupted after step {entry.steps}, and its file is "
            f"missing. Restore it, or forget the revision: {repair}"
        )
    if entry.action == "downgrade":
        rollback = command("limbeck", "rollback", "-e", profile.name)
        return (
            f"the downgrade of revision {entry.revision} was interrupted after step "
            f"{entry.steps}. To continue it: {rollback}"
        )
    return None
