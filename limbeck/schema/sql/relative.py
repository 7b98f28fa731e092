"""Names on the search path instead of names in `public`, for what runs in each tenant."""

from __future__ import annotations

import re
from typing import Final

_CANONICAL: Final = re.compile(r"""(?<![\w$".])public\.(?=[\w"])""")


def relative(text: str) -> str:
    """Return code or SQL in which a name of a tenant's schema is one on the search path.

    On the shadow, a tenant's schema is `public`. Only a name without a schema is the same in all.
    """
    return _CANONICAL.sub("", text)
