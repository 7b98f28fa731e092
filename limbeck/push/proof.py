"""Prove a push on the shadow: its statements make the schema of the models of the database's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from limbeck.dataclass import dataclass
from limbeck.engine import running
from limbeck.engine.pushes import Push
from limbeck.engine.terms import Terms
from limbeck.errors import MigrationError, ProofError
from limbeck.events import StageStarted
from limbeck.generate import bodies
from limbeck.generate.proof import UnrunnableError
from limbeck.postgres.connect import Connection, connect
from limbeck.push.draft import drafted, written
from limbeck.run.drift import named
from limbeck.schema.catalog import difference
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.diff import compare
from limbeck.schema.diff.steps import Step
from limbeck.shadow.filters import filters
from limbeck.shadow.replay import Replay

_SCRATCH = Push((), "", (), "")


class PremiseError(ProofError):
    """The shadow cannot make the schema that a database has."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a push starts from and leads to.

    `replay` is the history up to the revisions that the database has, and `recorded` its catalog;
    `before` is that of the database, which earlier pushes have changed, `after` that of the models.
    """

    replay: Replay
    recorded: Catalog
    before: Catalog
    after: Catalog

    def proven(self, steps: Sequence[Step]) -> str:
        """Return the draft of these steps, once it has made the schema of the models.

        Raises:
            ProofError: It has not; or the shadow cannot make the schema of the database.

        """
        self.replay.listen(StageStarted("proving the statements on the shadow"))
        return bodies.attempted(steps, lambda unchecked: self._proven(steps, unchecked=unchecked))

    def _proven(self, steps: Sequence[Step], *, unchecked: bool) -> str:
        replay = self.replay
        own, text = (
            filters(replay.project),
            written(steps, self.before, self.after, unchecked=unchecked),
        )
        with replay.shadow.scratch(replay.template()) as database:
            with connect(database) as connection:
                # The database is dropped afterwards: nothing of it has to survive a crash.
                connection.execute("SET synchronous_commit = off")
                since = difference.mark(connection)

                def look() -> Catalog:
                    return difference.read_changed(connection, self.recorded, since, filters=own)

                self._repeat(connection, look)
                self._run(connection, text)
                if changes := look().changes_to(self.after):
                    raise ProofError(
                        "the statements do not make the schema of the models, but leave a "
                        f"difference; nothing was changed: {named(changes)}",
                        hint="Please report this, with the models.",
                    )
            if unchecked and (errors := bodies.refused(database, self.before, self.after)):
                raise bodies.BodiesError(errors)
        return text

    def _repeat(self, connection: Connection, look: Callable[[], Catalog]) -> None:
        """Bring the scratch database from the recorded history to the schema of the database."""
        before = self._whole()
        if not self.recorded.changes_to(before):
            return
        steps = compare.steps(self.recorded, before)
        try:
            self._run(connection, written(steps, self.recorded, before, unchecked=True))
            reason = named(look().changes_to(before))
        except UnrunnableError as error:
            reason = error.message
        if reason:
            raise PremiseError(
                "the shadow cannot make the schema that the database has, so that nothing can be "
                f"proved; nothing was changed: {reason}",
                hint="Ignore the objects ([tool.limbeck.ignore]), or reset the branch.",
            )

    def _whole(self) -> Catalog:
        """Return the schema of the database as if no index build had been interrupted there.

        No statement makes an INVALID index by itself; the push creates it once more in any case.
        """
        whole = {
            index.address: replace(index, valid=True)
            for index in self.before.every(Index)
            if not index.valid and self.recorded.objects.get(index.address) != index
        }
        return replace(self.before, objects={**self.before.objects, **whole})

    def _run(self, connection: Connection, text: str) -> None:
        terms = Terms(ledger=False, pipelined=False, patience=0.0, place="shadow", push=_SCRATCH)
        with drafted(self.replay.project, text) as (history, revision):
            try:
                running.run(history, connection, [revision], terms=terms)
            except MigrationError as error:
                raise UnrunnableError(
                    f"the statements fail on the shadow; nothing was changed: {error.message}",
                    hint="Please report this, with the message above.",
                ) from error
