"""A DO block that repeats the privileges on one object for its counterpart."""

from __future__ import annotations

from limbeck.schema.sql.quoting import dollar_quoted, literal, percent_escaped

TEXT = """
DECLARE
    entry record;
BEGIN
    FOR entry IN
        SELECT acl.privilege_type AS privilege,
            CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END
            AS grantee
        FROM {source}
        WHERE {condition}
    LOOP
        EXECUTE format({grant}, entry.privilege, entry.grantee);
    END LOOP;
END
"""


def grants(source: str, condition: str, target: str) -> str:
    """Return a DO block that grants each privilege of an access control list on a target.

    The list is read when the revision runs: the roles of the target database are not known
    before.

    Args:
        source: FROM list with aclexplode(...) AS acl.
        condition: Which rows of it count.
        target: What follows the privilege in GRANT, such as " ON public.books".

    """
    grant = literal(f"GRANT %s{percent_escaped(target)} TO %s")
    body = TEXT.format(source=source, condition=condition, grant=grant)
    return f"DO {dollar_quoted(body)}"
