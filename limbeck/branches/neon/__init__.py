"""Branches of a Neon project through its API; each module is one of the API's nouns."""
