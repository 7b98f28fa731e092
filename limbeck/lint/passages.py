"""Decide which traced revisions are probed at their commit points, and probe them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from limbeck.dataclass import dataclass
from limbeck.errors import LimbeckError
from limbeck.events import Listener, StageStarted
from limbeck.history.history import History
from limbeck.lint.probes import phased
from limbeck.lint.probes.gaps import Role
from limbeck.lint.probes.passage import Passage
from limbeck.lint.probes.proving import Change, probe, running_of
from limbeck.lint.trace.statement import OF_WRITERS, strength
from limbeck.lint.trace.tracing import Trace
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.schema.catalog.objects.address import Address
from limbeck.shadow import servers
from limbeck.shadow.replay import Replay
from limbeck.shadow.shadow import Shadow

_KINDS = {"r": "table", "p": "table", "v": "view", "m": "view"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where revisions are probed: the project, and an environment with a history of its own."""

    project: Project
    profile: Profile | None
    listen: Listener

    def replay(self, revision: str) -> Replay:
        """Return the history up to a revision."""
        return Replay(self.project, revision, self.profile, self.listen)


def probed(place: Place, trace: Trace) -> Trace:
    """Return a trace with what applications live through while its revision runs."""
    role = phased.role_of(trace.revision)
    if role == "plain" and not _is_torn(trace):
        return trace
    failed = trace.statements and trace.statements[-1].failure
    if failed or not trace.statements:
        return trace
    place.listen(StageStarted(f"probing {trace.revision.id} at its commit points"))
    try:
        return replace(trace, passage=_passage(place, trace, role))
    except LimbeckError as error:
        # The revision was traced on other rows or another state; its trace is worth more.
        return replace(trace, passage=Passage(problem=error.message))


def _passage(place: Place, trace: Trace, role: Role) -> Passage:
    revision = trace.revision
    before = place.replay(",".join(revision.parents) or "base")
    catalogs = before.catalog(), place.replay(revision.id).catalog()
    middle = catalogs[1] if role == "expand" else catalogs[0]
    history = History.of(place.project, place.profile)
    change = Change(
        running_of(history, revision),
        *catalogs,
        role,
        phased.wrong(phased.backfills(history, revision), middle),
        create_role=servers.choose(place.project, place.profile).environment is None,
        touched=tuple(_touched(trace)),
    )
    shadow = Shadow.of(place.project, place.profile, listen=place.listen)
    template = before.template()
    return probe(change, lambda: shadow.scratch(template))


def _touched(trace: Trace) -> Iterator[Address]:
    """Yield the existing tables and views that a statement of the revision locks against others."""
    for statement in trace.statements:
        for oid in sorted(statement.existing & statement.locks.keys()):
            relation = statement.before.relations.get(oid)
            strong = strength(statement.locks[oid]) > OF_WRITERS
            if relation and strong and relation.kind in _KINDS:
                yield Address(_KINDS[relation.kind], relation.schema, relation.name)


def _is_torn(trace: Trace) -> bool:
    """Return whether others see a state inside of a revision, or another object under a name."""
    statements = [each for each in trace.statements if each.tag != "SHOW"]
    numbers = {each.transaction for each in statements if each.transaction is not None}
    alone = sum(1 for each in statements if each.transaction is None)
    return len(numbers) + alone > 1 or any(True for _ in _recreated(trace))


def _recreated(trace: Trace) -> Iterator[str]:
    """Yield the names of tables and views that are dropped and created again."""
    after = trace.statements[-1].after.relations.values() if trace.statements else ()
    names = {str(relation) for relation in after}
    for statement in trace.statements:
        for oid in statement.dropped() & statement.existing:
            relation = statement.before.relations[oid]
            if relation.kind in "rpvm" and str(relation) in names:
                yield str(relation)
