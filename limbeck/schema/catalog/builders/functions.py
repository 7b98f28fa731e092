"""Functions, procedures and aggregates."""

from __future__ import annotations

from limbeck.schema.catalog.builders.arrays import settled
from limbeck.schema.catalog.builders.reading import Reading
from limbeck.schema.catalog.objects.routines import Function
from limbeck.schema.catalog.queries import classes


def build(reading: Reading) -> None:
    """Add the functions; the query leaves out the constructors that come with a range type."""
    aggregates: dict[int, str] = dict(reading.rows["aggregates"])
    for oid, space, name, identity, kind, definition, arguments, result, language in reading.rows[
        "functions"
    ]:
        if schema := reading.schemas.get(space):
            function = Function(
                schema=schema,
                identity=identity,
                kind=kind,
                definition=settled(definition or aggregates[oid]).rstrip("\n"),
                comment=reading.comment(classes.PROCEDURE, oid),
                name=name,
                arguments=arguments,
                result=result,
                language=language,
            )
            reading.add(classes.PROCEDURE, oid, function)
