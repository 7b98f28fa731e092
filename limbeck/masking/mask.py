"""Mask passwords in texts and JSON values; every command calls this for what it prints."""

from __future__ import annotations

import re
from typing import Any, Final

from limbeck.masking.signs import HIDING, MASK

# Without one of these no reader finds anything. Most texts have none, and then the readers, which
# take milliseconds to compile, are not imported.
_SUSPICIOUS: Final = re.compile(
    rf"passw|passphrase|pwd|secret|api_?key|://|^LINE \d|{HIDING}", re.IGNORECASE | re.MULTILINE
)
_SHORTEST: Final = 3  # a shorter secret would be masked inside of words


def masked(text: str, *secrets: str) -> str:
    """Return a text with every password masked, and every given secret, URL-encoded or not."""
    if secrets:
        text = _without(text, secrets)
    if not _SUSPICIOUS.search(text):
        return text
    from limbeck.masking import readers  # noqa: PLC0415 - see above

    pieces, end = [], 0
    for begin, stop in readers.spans(text):
        pieces += [text[end:begin], readers.mask(text[begin:stop])]
        end = stop
    return "".join([*pieces, text[end:]])


def masked_data(value: Any) -> Any:
    """Return a JSON value with every password in its texts masked."""
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, dict):
        return {key: masked_data(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [masked_data(each) for each in value]
    return value


def secrets(sql: str) -> tuple[str, ...]:
    """Return the passwords in a statement, as they are written and as they are meant."""
    if not _SUSPICIOUS.search(sql):
        return ()
    from limbeck.masking import readers  # noqa: PLC0415 - as above

    texts = {sql[begin:end] for begin, end in readers.spans(sql)}
    stripped = {text.strip("'\"") for text in texts}
    return tuple(texts | stripped | {readers.meaning(each) for each in texts})


def _without(text: str, secrets: tuple[str, ...]) -> str:
    from urllib.parse import quote  # noqa: PLC0415 - only for known secrets

    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST:
            for spelling in (quote(secret, safe=""), quote(secret), secret):
                text = text.replace(spelling, MASK)
    return text
