"""An UPDATE from another table, in batches, beside those who write either of them.

An UPDATE that has waited for a row sees that row as it is then, but other tables as they were
when it began (Postgres manual, "Read Committed"): it would bring back what was written meanwhile.
So rows are locked by one statement and written by the next. Those that others have locked come
later: they may be waiting for a row of ours.
"""

from __future__ import annotations

from limbeck.schema.sql.quoting import dollar_quoted, literal

PAGES = 100
TIMES = 100
# The rows of two partitions may have one ctid.
ROW_NAME = "tableoid || ' ' || ctid::text"
TEXT = """
DECLARE
    limbeck_page bigint := 0;
    limbeck_pages bigint := (
        SELECT max(pg_relation_size(relid)) FROM (
            SELECT {name}::regclass AS relid UNION SELECT relid FROM pg_partition_tree({name})
        ) tables
    ) / current_setting('block_size')::bigint;
    limbeck_rows tid[];
    limbeck_names text[];
BEGIN
    WHILE limbeck_page <= limbeck_pages LOOP
        SELECT array_agg(row_id), array_agg(name) INTO limbeck_rows, limbeck_names FROM (
            SELECT ctid AS row_id, {row_name} AS name FROM {table}
            WHERE ctid >= format('(%s,0)', limbeck_page)::tid
                AND ctid < format('(%s,0)', limbeck_page + {pages})::tid
                AND ({wrong})
            FOR NO KEY UPDATE SKIP LOCKED
        ) locked;
        UPDATE {table} SET {sets}
        WHERE ctid = ANY (limbeck_rows) AND {row_name} = ANY (limbeck_names) AND ({wrong});
        COMMIT;
        limbeck_page := limbeck_page + {pages};
    END LOOP;
    FOR limbeck_time IN 1 .. {times} LOOP
        EXIT WHEN NOT EXISTS (SELECT FROM {table} WHERE {wrong});
        SELECT array_agg(row_id), array_agg(name) INTO limbeck_rows, limbeck_names FROM (
            SELECT ctid AS row_id, {row_name} AS name FROM {table} WHERE {wrong}
            FOR NO KEY UPDATE SKIP LOCKED
        ) locked;
        UPDATE {table} SET {sets}
        WHERE ctid = ANY (limbeck_rows) AND {row_name} = ANY (limbeck_names) AND ({wrong});
        COMMIT;
        PERFORM pg_sleep(0.01 * limbeck_time);
    END LOOP;
    PERFORM FROM {table} WHERE {wrong} FOR NO KEY UPDATE;
    UPDATE {table} SET {sets}
    WHERE {wrong};
END
"""


def locked_batches(table: str, sets: str, wrong: str) -> str:
    """Spell the UPDATE of the wrong rows of a table, given by its whole name as SQL spells it."""
    body = TEXT.format(
        name=literal(table),
        table=table,
        row_name=ROW_NAME,
        pages=PAGES,
        times=TIMES,
        sets=sets,
        wrong=wrong,
    )
    return f"DO {dollar_quoted(body)}"
