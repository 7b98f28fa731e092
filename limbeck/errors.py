"""What can go wrong, as one tree; each error carries a hint and an exit code.

LimbeckError (1)
├── ConfigurationError (2)      a setting, an argument or a file is wrong or missing
│   ├── UnknownProfileError     no such env_profiles/<name>.env
│   ├── MissingUrlError         a profile for which no URL was found anywhere
│   ├── PooledUrlError          DDL through a transaction pooler
│   └── InsecureUrlError        a remote host without TLS
├── DatabaseError (1)           Postgres refused or could not be reached
│   └── UnavailableError        no connection
├── LockNotAcquiredError (1)    another migrator is at work
├── HistoryError (1)            the revision files are broken, or the database is at an unknown one
│   └── SeveralHeadsError       two revisions follow the same one
├── ModelsError (1)             the models do not import, or Postgres cannot create them
├── ProofError (1)              what was made is not what was asked for
├── MigrationError (1)          a revision failed while it ran
│   ├── HookError            a hook of the user's raised something
│   └── MigrationInterruptedError (130)  Ctrl-C while it ran
├── ServerError (1)             the embedded server does not start or run
├── BranchError (1)             a branch that is not there, is protected, or has children
│   └── NeonError               Neon's API refused, or could not be reached
├── CheckFailedError (3)        a check found something
└── NotConfirmedError (4)       a question was answered with no, or could not be asked
"""

from __future__ import annotations

from typing import ClassVar


class LimbeckError(Exception):
    """Anything limbeck reports to its user: what is wrong, and as hint what to type next."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigurationError(LimbeckError):
    """A setting, an argument or a file is wrong or missing."""

    exit_code = 2


class UnknownProfileError(ConfigurationError):
    """There is no profile of that name."""


class MissingUrlError(ConfigurationError):
    """No URL was found for a profile in any of the places looked at."""


class PooledUrlError(ConfigurationError):
    """DDL was asked for through a transaction pooler, where SET and locks get lost."""


class InsecureUrlError(ConfigurationError):
    """A host that is not this machine would be talked to without TLS."""


class DatabaseError(LimbeckError):
    """Postgres refused a statement."""


class UnavailableError(DatabaseError):
    """No connection could be made."""


class LockNotAcquiredError(LimbeckError):
    """Another migrator holds the migration lock."""


class HistoryError(LimbeckError):
    """The revision files are broken, or a database is at a revision they do not hold."""


class SeveralHeadsError(HistoryError):
    """Two revisions follow the same one, so there is no single head."""


class ModelsError(LimbeckError):
    """The models do not import, or Postgres cannot create them."""


class ProofError(LimbeckError):
    """What was made is not what was asked for; nothing was kept."""


class MigrationError(LimbeckError):
    """A revision failed while it ran."""


class HookError(MigrationError):
    """A hook of the user's raised something."""


class MigrationInterruptedError(MigrationError):
    """Ctrl-C while a revision ran; it was rolled back."""

    exit_code = 130


class ServerError(LimbeckError):
    """The embedded server does not start or run."""


class BranchError(LimbeckError):
    """A branch is not there, is protected, or has children."""


class NeonError(BranchError):
    """Neon's API refused, or could not be reached; then there is no status.

    `status` is the HTTP status, `code` Neon's own word for the fault (it may be empty),
    `request_id` what Neon's support asks for.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        status: int | None = None,
        code: str = "",
        request_id: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.code = code
        self.request_id = request_id


class CheckFailedError(LimbeckError):
    """A check found something."""

    exit_code = 3


class NotConfirmedError(LimbeckError):
    """A question was answered with no, or could not be asked."""

    exit_code = 4
