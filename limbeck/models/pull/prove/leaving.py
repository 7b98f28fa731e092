"""Objects that Postgres refuses: a fresh pull names them and writes the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from limbeck.events import Listener, ignore
from limbeck.models.pull.options import Options
from limbeck.models.pull.prove.creator import Creator, RefusedError
from limbeck.models.pull.prove.proof import Proof
from limbeck.models.pull.prove.proving import prove
from limbeck.models.pull.render import writing
from limbeck.models.pull.render.writing import Description
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.filters import EVERYTHING, Filters
from limbeck.schema.catalog.objects.address import Address
from limbeck.shadow.shadow import Shadow


def proved(  # noqa: PLR0913 - the source, the choices, and where to prove
    catalog: Catalog,
    options: Options,
    filters: Filters,
    server: Shadow,
    listen: Listener = ignore,
    *,
    program: Creator | None = None,
) -> tuple[Mapping[str, str], Proof, tuple[str, ...]]:
    """Return models of a database, their proof, and a sentence about each object left out.

    Args:
        catalog: the database.
        options: the choices about the models.
        filters: those with which the catalog was read.
        server: on which to create the models.
        listen: receives the stages, and that the role of the server is a superuser.
        program: creates the models the first time, if it has been started already.

    Raises:
        ModelsError: the models cannot be created, even without the objects that were refused.

    """
    description = writing.described(catalog)
    left: tuple[str, ...] = ()
    while True:
        texts = writing.rendered(description, options, listen)
        try:
            with server.scratch(untrusted=listen) as scratch:
                given = (texts, catalog, scratch, options, filters)
                return texts, prove(*given, program=program, listen=listen), left
        except RefusedError as error:
            if filters != EVERYTHING:
                raise  # the likeliest reason is what the filters leave out
            description, sentences = without(description, error)
        left += sentences
        # The program creates models once, and listeners have heard of it all.
        program, listen = None, ignore


def without(description: Description, error: RefusedError) -> tuple[Description, tuple[str, ...]]:
    """Return a description without the refused objects, and a sentence about each of these.

    A refused table is tried once more by its SQL, without its relationships.

    Raises:
        RefusedError: nothing can be left out, or an extension or a schema would have to be.

    """
    numbers = {item.place: item.message for item in error.refused if item.kind == "entity"}
    tables = {str(item.place) for item in error.refused if item.kind == "table"}
    if len(numbers) + len(tables) < max(len(error.refused), 1):
        raise error
    named = dict(_sentences(description, numbers))
    if not tables:
        left = tuple(
            declaration
            for number, declaration in enumerate(description.declarations)
            if number not in numbers
        )
        return replace(description, declarations=left), tuple(dict.fromkeys(named.values()))
    refused = {at for at in description.tables if f"{at.schema}.{at.name}" in tables}
    if not refused:
        raise error
    return writing.described(description.catalog, description.without | refused), ()


def _sentences(
    description: Description, numbers: dict[int | str, str]
) -> Iterator[tuple[Address, str]]:
    for number, declaration in enumerate(description.declarations):
        if number in numbers:
            yield (
                declaration.address,
                f"{declaration.address}: Postgres refuses it: {numbers[number]}",
            )
