"""How far one revision is, in the ledger and in the current attempt; kept by the step runner."""

from __future__ import annotations

import hashlib
from dataclasses import field
from typing import Any, Final

from limbeck.dataclass import dataclass
from limbeck.engine import ledger, statements
from limbeck.engine.batch import Statement
from limbeck.engine.ledger import Entry, Ledger
from limbeck.engine.pushes import Push
from limbeck.errors import HistoryError
from limbeck.history import code
from limbeck.history.revisions import Revision
from limbeck.stages import Stage


class StoppedError(Exception):
    """A revision has come to the step after which it was to stop, or a trial to its end."""


# The role that the revision has set goes on after its step. The variable ends with the revision.
_LEAVE_ROLE: Final = (
    Statement(
        "SELECT set_config('limbeck.user', current_setting('session_authorization'), false),"
        " set_config('limbeck.role', current_setting('role'), false)"
    ),
    Statement("RESET SESSION AUTHORIZATION"),
    Statement("RESET ROLE"),
)
_TAKE_ROLE: Final = Statement(
    "SELECT set_config('session_authorization', current_setting('limbeck.user'), false),"
    " set_config('role', current_setting('limbeck.role'), false)"
)


@dataclass(slots=True)
class Progress:
    """How far a revision is.

    The database knows `steps`, the number of steps that are committed, `committed_digest`, the
    hash of the statements in them, and `doubt`, the hash of a statement outside of a transaction
    that was begun after them. The attempt knows `step`, the number of the step that it is in: an
    attempt always calls the revision's function from its first line, so it comes through the
    committed steps again. `in_role` says whether it has set a role, which may not write the ledger.

    `in_ledger` says whether the database keeps a ledger of this run, `table_exists` whether the
    ledger's table is there, `begun` whether the revision has its row in it, `about` what the row
    says of it, `create` the statements that create the table, `checksum` is that of its code,
    `file` the hash of the revision's file when that row was written. `lock_timeout` is the one that
    the revision sets for itself, `limit` the number of steps after which to stop. `stage` tells how
    far an attempt is that takes long; `earlier` is what it has counted before the attempt. `push`
    is what the ledger records instead of a revision, `sent` the number of its statements so far.
    """

    revision: Revision
    action: str
    in_ledger: bool = False
    table_exists: bool = False
    begun: bool = False
    steps: int = 0
    doubt: str | None = None
    committed_digest: str | None = None
    file: str | None = None
    lock_timeout: str | None = None
    limit: int | None = None
    checksum: str | None = None
    about: ledger.About = field(default_factory=dict)
    create: tuple[str, ...] = ledger.CREATE
    stage: Stage | None = None
    earlier: int = 0
    push: Push | None = None
    step: int = 0
    sent: int = 0
    in_role: bool = False
    _hash: Any = field(default_factory=hashlib.sha256)

    @classmethod
    def of(
        cls, revision: Revision, entries: Ledger, *, downgrade: bool, in_ledger: bool
    ) -> Progress:
        """Return where a revision stands by the ledger."""
        action = "downgrade" if downgrade else "upgrade"
        progress = cls(revision, action, in_ledger=in_ledger, table_exists=entries.exists)
        # Read now: between a revision's first lock and its COMMIT nothing happens but statements.
        progress.about = ledger.about(revision, action, entries.tenant)
        progress.create = entries.create
        progress.checksum = code.checksum(revision.path)
        entry = entries.interrupted().get(revision.id)
        return progress._resumed(entry) if entry and entry.action == action else progress

    def _resumed(self, entry: Entry) -> Progress:
        self.begun, self.steps, self.doubt = True, entry.steps, entry.doubt
        self.committed_digest, self.file = entry.digest, entry.file
        return self

    def restart(self) -> None:
        """Begin another attempt: the revision's statements come again from the first one."""
        self.step, self.sent, self.in_role, self._hash = 0, 0, False, hashlib.sha256()
        if self.stage is not None:
            self.stage.done = self.earlier

    def count(self, statement: str) -> None:
        """Add a statement to the digest of this attempt."""
        # Without comments and white space: to reformat a file must not make it another one.
        self._hash.update(statements.plain(statement).encode() + b";")
        self.sent += not statement.startswith("SET LOCAL ")
        if self.stage is not None:
            self.stage.advance()

    @property
    def digest(self) -> str:
        """The hash of the statements of this attempt so far."""
        return str(self._hash.hexdigest())

    @property
    def skips(self) -> bool:
        """Whether the current step is committed already."""
        return self.step < self.steps

    def advance(self) -> None:
        """Go on to the next step.

        Raises:
            HistoryError: the committed steps are over, and they were not those of the file.
            StoppedError: the limit is reached.

        """
        self.step += 1
        self.refuse_beyond()
        # Of an interrupted revision the open steps may be corrected in the file, and usually are.
        # The committed ones must still say the same, or the step numbers mean other statements.
        committed = self.step == self.steps
        if committed and self.digest != self.committed_digest and self._is_edited():
            raise self.changed()

    def refuse_beyond(self) -> None:
        """Raise StoppedError where the limit is reached."""
        if self.limit is not None and self.step >= self.limit:
            raise StoppedError

    def record_step(self) -> list[Statement]:
        """Return the statements that record in the ledger that the current step is committed."""
        return self._recorded(self.step + 1, self.digest)

    def note_step(self) -> None:
        """Note that the current step is committed."""
        self._note(self.step + 1, self.digest)

    def record_doubt(self, name: str) -> list[Statement]:
        """Return the statements that record that a statement outside of a transaction begins."""
        return self._recorded(self.step, self.committed_digest, name)

    def note_doubt(self, name: str) -> None:
        """Note that it is recorded."""
        self._note(self.step, self.committed_digest, name)

    def record_end(self) -> list[Statement]:
        """Return the statements that record that the revision is applied, or taken back."""
        if not self.in_ledger:
            return []
        if self.push is not None:
            return [*self._table(), *self.push.finish(self.digest)]
        values = {"steps": self.step, "digest": self.digest, "sql": self.checksum}
        row = ledger.finish(self.about, values, begun=self.begun)
        return [*self._table(), Statement(*row)]

    def changed(self) -> HistoryError:
        """Return the error for a file whose committed steps are other ones now."""
        return HistoryError(
            f"revision {self.revision} was interrupted after step {self.steps}, and the steps up "
            "to there are not in its file any more",
            hint="Restore the file as it was. If you finish the work by hand: limbeck stamp.",
        )

    def unanswerable(self) -> HistoryError:
        """Return the error for a revision that needs the result of a statement that has run."""
        return HistoryError(
            f"revision {self.revision} was interrupted after step {self.steps}; it cannot go on "
            "by itself, because it reads the result of a statement that has run already",
            hint="Finish its work by hand, then: limbeck stamp.",
        )

    def _is_edited(self) -> bool:
        return self.begun and self.file != ledger.file_hash(self.revision.path)

    def _table(self) -> list[Statement]:
        if self.table_exists:
            return []
        return [Statement(statement) for statement in self.create]

    def _recorded(
        self, steps: int, digest: str | None, doubt: str | None = None
    ) -> list[Statement]:
        if not self.in_ledger:
            return []
        # A push is never resumed, but planned anew: there, the number is for people.
        steps = self.push.earlier + self.sent if self.push else steps
        values = {"steps": steps, "digest": digest, "doubt": doubt}
        rows = [*self._table(), Statement(*ledger.step(self.about, values))]
        return [*_LEAVE_ROLE, *rows, _TAKE_ROLE] if self.in_role else rows

    def _note(self, steps: int, digest: str | None, doubt: str | None = None) -> None:
        self.steps, self.committed_digest, self.doubt = steps, digest, doubt
        self.begun = self.table_exists = self.in_ledger
