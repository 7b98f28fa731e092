CREATE DOMAIN slug AS text CHECK (VALUE ~ '^[a-z0-9-]+$');

CREATE TABLE tenants (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    slug slug NOT NULL UNIQUE
);

CREATE TABLE members (
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    id bigint GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE tasks (
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    id bigint GENERATED ALWAYS AS IDENTITY,
    parent_id bigint,
    owner_id bigint NOT NULL,
    reviewer_id bigint,
    title text NOT NULL,
    due daterange,
    done boolean NOT NULL DEFAULT false,
    search tsvector GENERATED ALWAYS AS (to_tsvector('english', title)) STORED,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, parent_id) REFERENCES tasks,
    FOREIGN KEY (tenant_id, owner_id) REFERENCES members,
    FOREIGN KEY (tenant_id, reviewer_id) REFERENCES members
        ON DELETE SET NULL (reviewer_id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX ON tasks USING gin (search);
CREATE UNIQUE INDEX ON tasks (tenant_id, owner_id, title) WHERE NOT done;
ALTER TABLE tasks ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON tasks USING (tenant_id = current_setting('app.tenant')::uuid);
