"""A copy of a database that the server makes while the command imports the models.

Copying a template costs the server as much as everything else that `generate` asks of it, and
needs nothing of the models.
"""

from __future__ import annotations

from psycopg import generators
from psycopg.pq import ExecStatus

from limbeck.dataclass import dataclass
from limbeck.postgres.connect import Connection


@dataclass(frozen=True, slots=True)
class Copy:
    """A scratch database whose creation was sent to the server, and not yet waited for."""

    connection: Connection
    template: str
    name: str

    @classmethod
    def begun(cls, connection: Connection, template: str, name: str, statement: str) -> Copy:
        """Send the statement that creates a database.

        Args:
            connection: a session, which is used for nothing else before `finish`.
            template: what is copied.
            name: the name of the copy.
            statement: CREATE DATABASE.

        """
        connection.pgconn.send_query(statement.encode())
        connection.wait(generators.send(connection.pgconn))
        return cls(connection, template, name)

    def finish(self) -> bool:
        """Wait for the server; return whether there is a copy now.

        Where the server has refused, the next attempt reports why.
        """
        results = self.connection.wait(generators.fetch_many(self.connection.pgconn))
        return [result.status for result in results] == [ExecStatus.COMMAND_OK]
