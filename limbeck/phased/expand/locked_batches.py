"""A backfill from another table in batches, safe while applications write to either table.

An UPDATE that waited for a row sees the new version of that row, but other tables as they were
when the statement began (Postgres manual, "Read Committed"). It would overwrite a value that was
written meanwhile with the one that it replaced. So one statement locks the rows of a batch and
the next, with a new snapshot, updates them. Rows that others have locked are skipped and come
later: their owner may be waiting for a row of this batch, which would be a deadlock.
"""

from __future__ import annotations

from limbeck.schema.sql.quoting import dollar_quoted, literal

PAGES = 100  # blocks of a batch; a writer waits for the rows of one batch at most
TIMES = 100  # rounds over skipped rows, each with a longer pause, before the last UPDATE waits
# Rows of two partitions can have the same ctid, so the table is part of the identity.
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
    """Return a DO block that updates the rows of a table for which `wrong` is true.

    `table` is a qualified name as SQL spells it, `sets` the SET list of the UPDATE.
    """
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
