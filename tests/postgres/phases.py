"""Revisions of a change without downtime, as tests write them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from limbeck import migrate, settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from limbeck.history.revisions import Revision
    from tests.postgres.conftest import Work


def phase(work: Work, message: str, upgrade: str, downgrade: str = "", **values: Any) -> Revision:
    """Record a revision that says these values of itself; its upgrade is SQL, or calls of op."""
    body = upgrade if "op." in upgrade else f"op.execute({upgrade!r})"
    made = work.revision(message, body, downgrade)
    head = "".join(f"{name} = {value!r}\n" for name, value in values.items())
    text = made.path.read_text().replace("def upgrade", f"{head}\n\ndef upgrade", 1)
    made.path.write_text(text)
    return next(one for one in work.history.revisions() if one.id == made.id)


def expand(
    work: Work,
    change: str,
    create: str,
    backfills: Sequence[dict[str, object]],
) -> Revision:
    """Record an expand revision that makes all there is, and apply what is pending."""
    drop = "op.execute('DROP TABLE t')"
    made = phase(
        work, change, create, drop, phase="expand", change=change, backfills=list(backfills)
    )
    database = settings.database(work.project, work.profile)
    migrate.apply(migrate.plan(work.project, work.profile, database), confirm=lambda _: True)
    return made
