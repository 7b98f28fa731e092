CREATE TYPE binding AS ENUM ('hardcover', 'paperback', 'e-book');

CREATE TABLE authors (
    id serial PRIMARY KEY,
    name text NOT NULL
);

CREATE TABLE books (
    id serial PRIMARY KEY,
    author_id integer NOT NULL REFERENCES authors ON DELETE CASCADE,
    title text NOT NULL CHECK (title <> ''),
    binding binding NOT NULL DEFAULT 'paperback',
    price numeric(8,2) CHECK (price > 0),
    tags text[] NOT NULL DEFAULT '{}',
    added timestamptz NOT NULL DEFAULT now(),
    UNIQUE (author_id, title)
);
CREATE INDEX ON books (lower(title));
COMMENT ON TABLE books IS 'What the shop sells.';
