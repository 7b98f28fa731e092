"""Run revisions on a database, one step at a time, so that an interrupted run can continue.

`running` is the entrance. Its `runner` calls the revisions in order, and the `step_runner` decides
what becomes of each of their statements: a `batch` sends together those that nobody waits for,
`autocommit` runs those that are steps of their own. `progress` and the `ledger` record how far
the revision is. `offline` renders revisions as SQL instead.
"""

from __future__ import annotations
