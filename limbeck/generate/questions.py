"""The questions before a revision is written: renames, and losses of data."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import replace

from limbeck.errors import ConfigurationError, NotConfirmedError
from limbeck.generate.answers import Answers
from limbeck.generate.narrowing import concerned
from limbeck.phased.expand.written import tidy
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.diff.retyping import separated
from limbeck.schema.diff.steps import Step
from limbeck.schema.renames import likeness, parse
from limbeck.schema.renames.likeness import Question
from limbeck.schema.renames.rename import Rename
from limbeck.schema.sql import quoting

WHOLE = 3  # schema, table, column
# Objects that Postgres or a naming convention names after their table and columns.
IMPLICIT = frozenset({"sequence", "index", "constraint"})


def agree_to_renames(before: Catalog, after: Catalog, answers: Answers) -> tuple[Rename, ...]:
    """Return the confirmed renames, outer objects first.

    Raises:
        ConfigurationError: An answer matches no change.
        NotConfirmedError: There is no one to ask; the error lists the questions and the answers.

    """
    renames, idle = parse.answers(answers.renames, before, after)
    if idle:
        raise ConfigurationError(
            f"--rename {idle[0]}: no such rename",
            hint="Write full names, outer objects first: --rename public.users:public.people",
        )
    dropped: set[Address] = set()
    derived = values(answers, before, after).keys()
    while True:
        # Asked anew after each answer: a renamed table changes what its columns look like.
        open_ = [
            each
            for each in _open(likeness.questions(before, after, renames), answers, derived)
            if each.before not in dropped
        ]
        possible = [each.rename for question in open_ for each in question.candidates]
        if implied := [each for each in possible if _follows(each, renames)]:
            renames = (*renames, implied[0])
        elif not open_ or answers.no_rename:
            return renames
        elif answers.ask_rename is None:
            raise _unasked(open_, answers)
        elif (rename := answers.ask_rename(open_[0])) is not None:
            renames = (*renames, rename)
        else:
            dropped.add(open_[0].before)


def _open(
    questions: Iterable[Question], answers: Answers, derived: Container[Address]
) -> Iterator[Question]:
    """Yield the questions without the candidates that other answers rule out."""
    for question in questions:
        left = [each for each in question.candidates if _asks(each.rename, derived)]
        if answers.only:
            wanted = concerned(answers.only, (each.rename for each in left))
            left = [each for each in left if each.rename in wanted]
        if left:
            yield replace(question, candidates=tuple(left))


def _asks(proposal: Rename, derived: Container[Address]) -> bool:
    """Return whether to ask: a column with a --value expression is not a renamed one."""
    return proposal.before not in derived and proposal.after not in derived


def _follows(proposal: Rename, renames: Sequence[Rename]) -> bool:
    """Return whether a rename only follows another one, as books_id_seq follows books."""
    old, new = _last(proposal.before), _last(proposal.after)
    return proposal.kind in IMPLICIT and any(
        old.replace(_last(each.before), _last(each.after)) == new for each in renames
    )


def _unasked(questions: Sequence[Question], answers: Answers) -> NotConfirmedError:
    """Return an error with all candidates: none of them is the answer before somebody gives it."""
    lines = []
    for question in questions:
        lines.append(f"\n  {question.before} is dropped, or renamed to one of:")
        lines += (f"\n    {_last(each.rename.after)}  {each.flag}" for each in question.candidates)
    return NotConfirmedError(
        f"this may be a rename, or a drop and a create; {answers.otherwise}:{''.join(lines)}",
        hint="Give the --rename of each object that was renamed, or --no-rename if none was.",
    )


def _last(address: Address) -> str:
    return address.part or address.name


def inverse(renames: Sequence[Rename]) -> tuple[Rename, ...]:
    """Return the renames of the downgrade, outer objects first as well."""
    back: list[Rename] = []
    for rename in renames:
        old, new = rename.after, rename.before
        for outer in back:
            old, new = within(old, outer), within(new, outer)
        back.append(Rename(rename.kind, old, new))
    return tuple(back)


def within(address: Address, outer: Rename) -> Address:
    """Return an address after the rename of its schema or table."""
    old, new = outer.before, outer.after
    if outer.kind == "schema" and address.schema == old.name:
        return address._replace(schema=new.name)
    if not old.part and address.part and address[1:3] == old[1:3]:
        return address._replace(schema=new.schema, name=new.name)
    return address


def values(answers: Answers, before: Catalog, after: Catalog) -> dict[Address, str]:
    """Return the expressions that fill columns, by the addresses of the columns.

    Raises:
        ConfigurationError: There is no such column.

    """
    expressions: dict[Address, str] = {}
    for name, expression in answers.values.items():
        names = quoting.names(name)
        address = Address("column", *names) if len(names) == WHOLE else None
        if address is None or not {address} & (before.objects.keys() | after.objects.keys()):
            raise ConfigurationError(
                f"--value {name}: there is no such column",
                hint='Write its full name: --value "public.books.pages=0"',
            )
        expressions[address] = tidy(expression, address._replace(kind="table", part=""))
    return expressions


def agree_to_losses(steps: Sequence[Step], answers: Answers) -> None:
    """Ask whether an upgrade may lose data.

    Raises:
        NotConfirmedError: The answer was no, or there is no one to ask.

    """
    losses = list(dict.fromkeys(step.loses for step in separated(steps) if step.loses))
    if not losses or answers.allow_drop:
        return
    if answers.ask_loss is not None:
        while losses:
            accepted = answers.ask_loss(losses)
            if not accepted:
                raise NotConfirmedError(f"not confirmed; {answers.otherwise}")
            losses = losses[int(accepted) :]
        return
    lines = "".join(f"\n  {loss}" for loss in losses)
    raise NotConfirmedError(
        f"this change loses data; {answers.otherwise}:{lines}",
        hint="Accept the loss with --allow-drop.",
    )
