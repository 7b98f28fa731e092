"""What is answered in advance, and who is asked about the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from limbeck.schema.renames.rename import Rename


@dataclass(frozen=True, slots=True)
class Answers:
    """What to do about the questions that a change may raise.

    `renames` has "old:new" for each rename, `no_rename` says that there are no others; without
    it `ask_rename` is asked about each pair that looks like one. `allow_drop` agrees that data
    may be lost; without it `ask_loss` is asked, with what is lost in words. `phased` says whether
    a breaking change becomes an expand and a contract revision; None: as the project's setting.
    `values` has, for columns of such a change, the expression over the row that their values come
    from: {"public.people.name": "first || ' ' || last"}.
    `only` names tables and columns: nothing else is changed, whatever the models ask for.
    `any_body` takes functions, too, whose bodies Postgres refuses: as a database has them that is
    taken over.
    """

    allow_drop: bool = False
    ask_loss: Callable[[Sequence[str]], bool] | None = None
    renames: Sequence[str] = ()
    no_rename: bool = False
    ask_rename: Callable[[Rename], bool] | None = None
    phased: bool | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    only: Sequence[str] = ()
    any_body: bool = False
