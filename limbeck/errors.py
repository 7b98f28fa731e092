"""All errors that limbeck reports, as one tree; each has a hint and an exit code.

LimbeckError (1)
├── ConfigurationError (2)      a setting, an argument or a file is wrong or missing
│   ├── UnknownProfileError     no such env_profiles/<name>.env
│   ├── MissingUrlError         a profile for which no URL was found anywhere
│   ├── PooledUrlError          schema changes through a transaction pooler
│   ├── InsecureUrlError        a remote host without TLS
│   └── PushedError             what was pushed to a database differs from the history
├── DatabaseError (1)           Postgres refused or could not be reached
│   └── UnavailableError        no connection
├── LockNotAcquiredError (1)    another migrator holds the migration lock
├── HistoryError (1)            the revision files are broken, or the database is at an unknown one
│   └── SeveralHeadsError       two revisions follow the same one
├── ModelsError (1)             the models do not import, or Postgres cannot create them
├── ProofError (1)              a proof failed; nothing was kept
├── MigrationError (1)          a revision failed while it ran
│   ├── HookError               a hook raised an exception
│   └── MigrationInterruptedError (130)  Ctrl-C while it ran
├── ServerError (1)             the embedded server does not start or run
├── BranchError (1)             a branch is missing, is protected, or has children
│   └── NeonError               Neon's API refused, or could not be reached
├── CheckFailedError (3)        a check found something
└── NotConfirmedError (4)       the answer to a question was no, or there was no terminal
"""

from __future__ import annotations

from typing import ClassVar


class LimbeckError(Exception):
    """The base of all errors: `message` says what is wrong, `hint` what to do next."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigurationError(LimbeckError):
    """A setting, an argument or a file is wrong or missing."""

    exit_code = 2


class UnknownProfileError(ConfigurationError):
    """No profile has that name."""


class MissingUrlError(ConfigurationError):
    """None of the places that limbeck searches has a URL for the profile."""


class PooledUrlError(ConfigurationError):
    """The URL leads through a transaction pooler, which loses SET and session locks."""


class InsecureUrlError(ConfigurationError):
    """The URL leads to a remote host without TLS."""


class PushedError(ConfigurationError):
    """A database has what was pushed to it, which is not what the revisions start from.

    `resets` is whether a reset of its branch is a remedy.
    """

    def __init__(self, message: str, *, hint: str | None = None, resets: bool = True) -> None:
        super().__init__(message, hint=hint)
        self.resets = resets


class DatabaseError(LimbeckError):
    """Postgres refused a statement."""


class UnavailableError(DatabaseError):
    """The server could not be reached."""


class LockNotAcquiredError(LimbeckError):
    """Another migrator holds the migration lock."""


class HistoryError(LimbeckError):
    """The revision files are broken, or a database is at a revision they do not hold."""


class SeveralHeadsError(HistoryError):
    """Two revisions follow the same one, so there is no single head."""


class ModelsError(LimbeckError):
    """The models do not import, or Postgres cannot create them."""


class ProofError(LimbeckError):
    """A revision, merge, squash or pull did not prove; nothing was kept."""


class MigrationError(LimbeckError):
    """A revision failed while it ran."""


class HookError(MigrationError):
    """A hook raised an exception."""


class MigrationInterruptedError(MigrationError):
    """Ctrl-C while a revision ran; it was rolled back."""

    exit_code = 130


class ServerError(LimbeckError):
    """The embedded server does not start or run."""


class BranchError(LimbeckError):
    """A branch is missing, is protected, or has children."""


class NeonError(BranchError):
    """Neon's API refused a request or could not be reached.

    `status` is the HTTP status, None without an answer; `code` is Neon's error code, possibly
    empty; Neon's support asks for `request_id`.
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
    """The answer to a question was no, or there was no terminal to ask on."""

    exit_code = 4
