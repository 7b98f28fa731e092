"""What names follow beside those in the database: the roles of keys, and the user's choices."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field

from limbeck.dataclass import dataclass
from limbeck.models.pull.render import names
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.constraints import Constraint

_KINDS = "id|uuid|guid|fk|pk|code|key|ref|no|nr|num|number"
# editor_id, editorId, editor_id_1; id_editor.
_SUFFIX = re.compile(
    rf"(?i:_(?:{_KINDS}))(?P<number>_?\d*)$"
    r"|(?<=[a-z0-9])(?:Id|ID|Uuid|UUID|Guid|GUID|Fk|FK|Code|Key|Ref|No)(?P<end>_?\d*)$"
)
_PREFIX = re.compile(r"(?i:^(?:id|fk)_)(?=[^\W\d])")


def role_of(key: Constraint) -> str:
    """Return the role that the columns of a foreign key name: editor of (tenant_id, editor_id).

    Columns that are called like the ones they refer to name none. The result is "" without a role.
    """
    referred = key.reference.columns if key.reference else key.columns
    pairs = list(zip(key.columns, referred, strict=True))
    if len(pairs) > 1:
        pairs = [(column, there) for column, there in pairs if column != there]
    roles = [role for column, there in pairs if (role := _role(column, there))]
    if len(set(roles)) < 2:  # noqa: PLR2004 - all columns agree
        return roles[0] if roles else ""
    common = _common(roles)
    return common or roles[-1]


def _common(roles: list[str]) -> str:
    """Return the words with which all roles begin."""
    split = [role.split("_") for role in roles]
    count = 0
    for words in zip(*split, strict=False):
        if len(set(words)) > 1:
            break
        count += 1
    return "_".join(split[0][:count])


def _role(column: str, referred: str) -> str:
    plain = column.removesuffix(f"_{referred}")
    if plain == column:
        plain = _SUFFIX.sub(lambda match: match["number"] or match["end"] or "", column)
    if plain == column:
        plain = _PREFIX.sub("", column)
    plain = plain.strip("_")
    if not plain or plain.lower() in {"id", "uuid", "guid", "code"} or plain.isdigit():
        return ""
    return "_".join(names.words(plain))


@dataclass(frozen=True, slots=True)
class Choices:
    """The names that the user has chosen in [tool.limbeck.pull.names], by those in the database."""

    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def top(self, schema: str, name: str) -> str | None:
        """Return the name of a class or variable for a table or an enum."""
        return self._of(_key(schema, name), 0)

    def attribute(self, table: Address, column: str) -> str | None:
        """Return the name of the attribute for a column."""
        return self._of(f"{_key(table.schema, table.name)}.{column}", 0)

    def relationship(self, key: Constraint, side: int) -> str | None:
        """Return the name of a foreign key's relationship (side 0), or of its other side (1)."""
        return self._of(f"{_key(key.schema, key.table)}.{key.name}", side)

    def _of(self, key: str, number: int) -> str | None:
        chosen = self.names.get(key, ())
        return chosen[number] if number < len(chosen) else None


def _key(schema: str, name: str) -> str:
    return name if schema == "public" else f"{schema}.{name}"
