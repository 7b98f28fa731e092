"""The questions put to pg_catalog and what is made of the answers, one module a noun.

Each module has its SQL (text, or a function of server_version_num where servers differ) and a
`build(found)` that turns the rows of that SQL into objects.
"""
