"""How far one revision is on one database, and the statements that write it down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from limbeck.engine import ledger
from limbeck.engine.batch import Waiting
from limbeck.engine.ledger import Entry, Ledger
from limbeck.history.revisions import Revision


@dataclass(slots=True)
class Progress:
    """What is done of a revision: `steps`, and `doubt`, a statement begun after them.

    `kept` says whether it is written down in the database, `created` whether the table for that
    is there, `begun` whether this revision has its row. `checksum` is asked at the end only: to put
    a revision into words takes as long as its statements do on the server.
    """

    revision: Revision
    action: str
    kept: bool = False
    created: bool = False
    begun: bool = False
    steps: int = 0
    doubt: str | None = None
    digest: str | None = None
    file: str | None = None
    checksum: Callable[[], str | None] = lambda: None

    @classmethod
    def of(cls, revision: Revision, found: Ledger, *, downgrade: bool, kept: bool) -> Progress:
        """Return where a revision stands by the ledger."""
        action = "downgrade" if downgrade else "upgrade"
        progress = cls(revision, action, kept=kept, created=found.kept)
        entry = found.interrupted().get(revision.id)
        return progress._resumed(entry) if entry and entry.action == action else progress

    def _resumed(self, entry: Entry) -> Progress:
        self.begun, self.steps, self.doubt = True, entry.steps, entry.doubt
        self.digest, self.file = entry.digest, entry.file
        return self

    @property
    def edited(self) -> bool:
        """Whether the file is another than when it was interrupted."""
        return self.begun and self.file != ledger.file_hash(self.revision.path)

    def table(self) -> list[Waiting]:
        """Return what creates the ledger where it is missing."""
        if not self.kept or self.created:
            return []
        return [Waiting(statement) for statement in ledger.CREATE]

    def step(self, steps: int, digest: str | None, doubt: str | None = None) -> list[Waiting]:
        """Return what writes down that these steps are done, and what is in doubt after them."""
        if not self.kept:
            return []
        values = {"steps": steps, "digest": digest, "doubt": doubt}
        return [*self.table(), Waiting(*ledger.step(self.revision, self.action, values))]

    def stepped(self, steps: int, digest: str | None, doubt: str | None = None) -> None:
        """Note that it was written down."""
        self.steps, self.digest, self.doubt = steps, digest, doubt
        self.begun = self.created = self.kept

    def finish(self, steps: int, digest: str) -> list[Waiting]:
        """Return what writes down that the revision is done."""
        if not self.kept:
            return []
        values = {"steps": steps, "digest": digest, "sql": self.checksum()}
        written = ledger.finish(self.revision, self.action, values, begun=self.begun)
        return [*self.table(), Waiting(*written)]
