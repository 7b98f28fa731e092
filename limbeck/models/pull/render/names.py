"""Names in Python for tables, columns and enums, derived from those in the database."""

from __future__ import annotations

import keyword
import re
from collections.abc import Container, Iterable, Iterator
from functools import lru_cache

_PARTS = re.compile(r"[\W_]+")
_IRREGULAR = {
    "people": "person",
    "children": "child",
    "men": "man",
    "women": "woman",
    "mice": "mouse",
    "geese": "goose",
    "feet": "foot",
    "teeth": "tooth",
    "indices": "index",
    "matrices": "matrix",
    "vertices": "vertex",
    "leaves": "leaf",
    "shelves": "shelf",
    "wolves": "wolf",
    "lives": "life",
    "wives": "wife",
    "knives": "knife",
    "halves": "half",
    "criteria": "criterion",
    "analyses": "analysis",
    "bases": "base",
    "diagnoses": "diagnosis",
    "hypotheses": "hypothesis",
    "theses": "thesis",
    "crises": "crisis",
    "axes": "axis",
    "movies": "movie",
    "cookies": "cookie",
    "calories": "calorie",
    "ties": "tie",
    "pies": "pie",
    "caches": "cache",
    "headaches": "headache",
    "shoes": "shoe",
    "buses": "bus",
    "statuses": "status",
    "viruses": "virus",
    "bonuses": "bonus",
    "campuses": "campus",
    "aliases": "alias",
    "biases": "bias",
    "atlases": "atlas",
    "gases": "gas",
    "lenses": "lens",
    "quizzes": "quiz",
    "heroes": "hero",
    "potatoes": "potato",
    "tomatoes": "tomato",
    "echoes": "echo",
    "vetoes": "veto",
}
_PLURALS = {
    singular_: many
    for many, singular_ in _IRREGULAR.items()
    if many not in {"bases", "axes", "lives"}
} | {"axis": "axes", "life": "lives"}
_UNCOUNTED = frozenset(
    {
        *("address", "access", "alias", "always", "analysis", "atlas", "basis", "bias"),
        *("bonus", "bus", "campus", "canvas", "chaos", "chassis", "class", "corps", "data"),
        *("diagnostics", "equipment", "gas", "gps", "https", "info", "information", "iris"),
        *("kudos", "lens", "logistics", "mathematics", "media", "metadata", "moss", "news"),
        *("ops", "physics", "plus", "process", "progress", "series", "species", "sms"),
        *("status", "statistics", "stats", "success", "tls", "various", "virus", "vis", "xml"),
    }
)


_SAME = frozenset({"data", "media", "metadata", "news", "series", "species", "info", "information"})


def words(name: str) -> list[str]:
    """Return the words of a name: of "film_actor" and of "FilmActor" film, actor.

    Digits stay with their word: oauth2, s3, md5.
    """
    return [word.lower() for part in _PARTS.split(name) for word in _words(part)]


def _words(part: str) -> Iterator[str]:
    start = 0
    for at in range(1, len(part)):
        before, letter, after = part[at - 1], part[at], part[at + 1 : at + 2]
        # A single capital in front belongs to its word: OAuth.
        ends = not before.isupper() or (after.islower() and at - start > 1)
        if letter.isupper() and ends:
            yield part[start:at]
            start = at
    if part:
        yield part[start:]


def singular(word: str) -> str:
    """Return the singular of an English noun in lower case, or the word itself."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word in _UNCOUNTED or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > len("ties"):
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes", "zzes")):
        return word[:-2]
    return word[:-1] if len(word) > len("as") else word


def plural(word: str) -> str:
    """Return the plural of an English noun in lower case; a plural stays as it is."""
    if singular(word) != word or word in _IRREGULAR:
        return word
    if word in _PLURALS:
        return _PLURALS[word]
    participle = word.endswith(("ing", "ed")) and len(word) > len("thing")  # the following
    if participle or word in _SAME:
        return word
    if word.endswith("y") and word[-2:-1] not in set("aeiou"):
        return word[:-1] + "ies"
    if word.endswith(("s", "x", "ch", "sh", "z")):
        return word + "es"
    return word + "s"


def class_name(table: str) -> str:
    """Return the name of the class for the rows of a table."""
    parts = words(table)
    return capitalized("_".join((*parts[:-1], singular(parts[-1]))) if parts else "unnamed")


def capitalized(name: str) -> str:
    """Return a name in capitalised words, none of them made singular."""
    named = "".join(word[:1].upper() + word[1:] for word in words(name)) or "Unnamed"
    return safe(named if named.isidentifier() else f"N{named}")


def variable(name: str) -> str:
    """Return a name in snake case that is an identifier."""
    return safe("_".join(words(name)) or "unnamed")


def constant(name: str) -> str:
    """Return a name in capitals that is an identifier."""
    return _started("_".join(words(name)).upper() or "UNNAMED").upper()


def row_name(table: str) -> str:
    """Return the name for one row of a table, in snake case."""
    parts = words(table)
    return safe("_".join((*parts[:-1], singular(parts[-1]))) if parts else "unnamed")


def rows_name(table: str) -> str:
    """Return the name for many rows of a table, in snake case."""
    parts = words(table)
    return safe("_".join((*parts[:-1], plural(parts[-1]))) if parts else "unnamed")


@lru_cache(maxsize=1000)  # many tables have columns of the same name
def attribute(column: str) -> str:
    """Return the attribute for a column: its own name wherever possible."""
    plain = column if column.isidentifier() else re.sub(r"\W+", "_", column).strip("_")
    # SQLAlchemy's own attributes begin with _sa_, Python's with two underscores.
    if plain.startswith(("__", "_sa_")):
        plain = plain.strip("_")
    return safe(plain or "unnamed")


def safe(name: str) -> str:
    """Return the name as an identifier that is no keyword."""
    name = _started(name)
    return f"{name}_" if keyword.iskeyword(name) else name


def unique(name: str, *taken: Container[str]) -> str:
    """Return the name, with an underscore and perhaps a number if it is taken."""
    for names in taken:
        if name in names:
            break
    else:
        return name
    tries = (f"{name}_", *(f"{name}_{number}" for number in range(2, 10_000)))
    return next(candidate for candidate in tries if not any(candidate in names for names in taken))


def first(candidates: Iterable[str], taken: set[str], chosen: str | None = None) -> str:
    """Return the first free identifier of several, or the chosen one, and add it to those taken."""
    name = chosen or next(
        name for candidate in candidates if (name := safe(candidate)) not in taken
    )
    taken.add(name)
    return name


def _started(name: str) -> str:
    return name if name.isidentifier() else f"n{name}"
