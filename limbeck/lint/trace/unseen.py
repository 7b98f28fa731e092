"""Queries that return only what the transaction has not seen: the server remembers the rest.

A transaction may hold a thousand locks, and a statement adds one. Which they are is computed on the
server after each statement, but only the new ones are sent, and become values here.
"""

from __future__ import annotations


def unseen(name: str, lines: str) -> str:
    """Return a query for those lines of another query that its last run did not have.

    The lines are in a setting that ends with the transaction, or is as it was after a rollback to
    a savepoint: then more lines come than are new.

    Args:
        name: The name of what is asked for.
        lines: The query; its only column is `line`, a text without a semicolon.

    """
    setting = f"limbeck.seen_{name}"
    # The setting is read before it is set: the condition is computed first.
    return f"""WITH now AS MATERIALIZED ({lines}), seen AS MATERIALIZED (
    SELECT unnest(string_to_array(current_setting('{setting}', true), ';')) AS line
), noted AS MATERIALIZED (
    SELECT set_config('{setting}', coalesce(string_agg(line, ';'), ''), true) FROM now
    HAVING (SELECT count(*) FROM seen) >= 0
) SELECT line FROM noted
LEFT JOIN (SELECT line FROM now EXCEPT SELECT line FROM seen) AS fresh ON true"""


def forget(name: str) -> str:
    """Return a statement after which all lines are new."""
    return f"SELECT set_config('limbeck.seen_{name}', '', true)"
