"""What has to be answered before a revision is written: renames, and losses of data."""

from __future__ import annotations

from collections.abc import Container, Sequence

from limbeck.errors import ConfigurationError, NotConfirmedError
from limbeck.generate.answers import Answers
from limbeck.generate.narrowing import concerned
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.diff.steps import Step
from limbeck.schema.renames import likeness, parse
from limbeck.schema.renames.rename import Rename
from limbeck.schema.sql import quoting

# What is named after its table and columns, by Postgres or by a naming convention.
WHOLE = 3  # schema, table, column
IMPLICIT = frozenset({"sequence", "index", "constraint"})


def agree_to_renames(before: Catalog, after: Catalog, answers: Answers) -> tuple[Rename, ...]:
    """Return the renames, outer ones first: those that were answered and those agreed to.

    Raises:
        ConfigurationError: an answer fits nothing that changes.
        NotConfirmedError: nobody could be asked; it names the questions and their answers.

    """
    found, idle = parse.answers(answers.renames, before, after)
    if idle:
        raise ConfigurationError(
            f"--rename {idle[0]}: nothing is renamed so",
            hint="Write whole names, outer ones first: --rename public.users:public.people",
        )
    refused: set[Rename] = set()
    derived = values(answers, before, after).keys()
    while True:
        proposals = [one.rename for one in likeness.propose(before, after, found)]
        proposals = [one for one in proposals if one not in refused and _asks(one, derived)]
        if answers.only:
            proposals = list(concerned(answers.only, proposals))
        if implied := [one for one in proposals if _follows(one, found)]:
            found = (*found, implied[0])
        elif not proposals or answers.no_rename:
            return found
        elif answers.ask_rename is None:
            raise _unasked(proposals)
        elif answers.ask_rename(proposals[0]):
            found = (*found, proposals[0])
        else:
            refused.add(proposals[0])


def _asks(proposal: Rename, derived: Container[Address]) -> bool:
    """Tell whether there is anything to ask: of what is made from others it is known."""
    return proposal.before not in derived and proposal.after not in derived


def _follows(proposal: Rename, found: Sequence[Rename]) -> bool:
    """Tell whether a name only follows another one, as books_id_seq follows books."""
    old, new = _last(proposal.before), _last(proposal.after)
    return proposal.kind in IMPLICIT and any(
        old.replace(_last(one.before), _last(one.after)) == new for one in found
    )


def _unasked(proposals: Sequence[Rename]) -> NotConfirmedError:
    lines = "".join(f"\n  {one.before} is renamed to {_last(one.after)}?" for one in proposals)
    flags = " ".join(f"--rename {one}" for one in proposals)
    return NotConfirmedError(
        f"this may be a rename, or a drop and a create; nothing was written:{lines}",
        hint=f"Answer with {flags}, or with --no-rename.",
    )


def _last(address: Address) -> str:
    return address.part or address.name


def inverse(found: Sequence[Rename]) -> tuple[Rename, ...]:
    """Return the renames of the way back, outer ones first as well."""
    back: list[Rename] = []
    for one in found:
        old, new = one.after, one.before
        for outer in back:
            old, new = _within(old, outer), _within(new, outer)
        back.append(Rename(one.kind, old, new))
    return tuple(back)


def _within(address: Address, outer: Rename) -> Address:
    """Return where an address is once what is around it was renamed."""
    old, new = outer.before, outer.after
    if outer.kind == "schema" and address.schema == old.name:
        return address._replace(schema=new.name)
    if not old.part and address.part and address[1:3] == old[1:3]:
        return address._replace(schema=new.schema, name=new.name)
    return address


def values(answers: Answers, before: Catalog, after: Catalog) -> dict[Address, str]:
    """Return where the values of columns come from, by the columns' addresses.

    Raises:
        ConfigurationError: there is no such column.

    """
    found: dict[Address, str] = {}
    for name, expression in answers.values.items():
        names = quoting.names(name)
        address = Address("column", *names) if len(names) == WHOLE else None
        if address is None or not {address} & (before.objects.keys() | after.objects.keys()):
            raise ConfigurationError(
                f"--value {name}: there is no such column",
                hint='Write its whole name: --value "public.books.pages=0"',
            )
        found[address] = expression
    return found


def agree_to_losses(steps: Sequence[Step], answers: Answers) -> None:
    """Ask about what an upgrade loses.

    Raises:
        NotConfirmedError: the answer was no, or nobody could be asked.

    """
    losses = list(dict.fromkeys(step.loses for step in steps if step.loses))
    if not losses or answers.allow_drop:
        return
    if answers.ask_loss is not None:
        if answers.ask_loss(losses):
            return
        raise NotConfirmedError("nothing was written")
    lines = "".join(f"\n  {loss}" for loss in losses)
    raise NotConfirmedError(
        f"this change loses data; nothing was written:{lines}",
        hint="Agree with --allow-drop.",
    )
