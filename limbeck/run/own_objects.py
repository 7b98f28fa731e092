"""Objects that only the target has, and that a plan would take away or cannot remove.

`own_search` finds them for a plan; `refuse` is called before the plan is applied.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

from limbeck.errors import CheckFailedError

ALLOW: Final = "target-only"
"""The value of --allow that applies a plan although it takes away what only the target has."""
STILL_USED: Final = "still-used"
"""The value of --allow that removes a structure although it is used, by such objects as well."""

Effect: TypeAlias = Literal["lost", "in the way", "broken", "carried"]


class OwnObject(NamedTuple):
    """An object that only the target has; `text` names it, `holder` what a plan takes away.

    It is "lost" with that, or "in the way" of it, or a function that is "broken" because its text
    names it, or it is "carried" over to the column that replaces its own:
    `successors` has the names that columns of its table have before the plan, by those that they
    have afterwards. `oid` is that of the object, `table` that of its table, `contype` is empty for
    everything but a constraint.
    """

    text: str
    holder: str
    effect: Effect
    oid: int = 0
    contype: str = ""
    successors: tuple[tuple[str, str | None], ...] = ()

    def __str__(self) -> str:
        return f"{self.text} ({self.effect}: {self.holder})"


def refuse(objects: Sequence[OwnObject], environment: str, allow: Sequence[str] = ()) -> None:
    """Refuse a plan that takes away what only the target has.

    Raises:
        CheckFailedError: something is lost or in the way, and `allow` does not have it.

    """
    left = [each for each in objects if each.effect != "carried"]
    if left and {ALLOW, STILL_USED}.isdisjoint(allow):
        names = "".join(f"\n  {each}" for each in left)
        raise CheckFailedError(
            f"only {environment} has these, and the plan removes what they depend on; "
            f"nothing was done{names}",
            hint=f"Put them into the models, or drop them, or add --allow {ALLOW}.",
        )
