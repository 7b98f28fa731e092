CREATE TABLE users (
    id bigserial PRIMARY KEY,
    email character varying DEFAULT '' NOT NULL,
    encrypted_password character varying DEFAULT '' NOT NULL,
    settings jsonb DEFAULT '{}' NOT NULL,
    invited_by_id bigint,
    last_sign_in_ip inet,
    created_at timestamp(6) without time zone NOT NULL,
    updated_at timestamp(6) without time zone NOT NULL,
    CONSTRAINT fk_rails_ae14a5013f FOREIGN KEY (invited_by_id) REFERENCES users
);
CREATE UNIQUE INDEX index_users_on_lower_email ON users (lower(email::text));
CREATE INDEX index_users_on_invited_by_id ON users (invited_by_id);

CREATE TABLE follows (
    follower_id bigint NOT NULL REFERENCES users,
    following_id bigint NOT NULL REFERENCES users,
    PRIMARY KEY (follower_id, following_id)
);

CREATE TABLE articles (
    id bigserial PRIMARY KEY,
    author_id bigint NOT NULL,
    editor_id bigint,
    title character varying(255) NOT NULL,
    body text,
    status integer DEFAULT 0 NOT NULL,
    published_at timestamp(6) without time zone,
    created_at timestamp(6) without time zone NOT NULL,
    updated_at timestamp(6) without time zone NOT NULL,
    CONSTRAINT fk_rails_e74ce85cbc FOREIGN KEY (author_id) REFERENCES users,
    CONSTRAINT fk_rails_0f0e8a2cd5 FOREIGN KEY (editor_id) REFERENCES users
);
CREATE INDEX index_articles_on_author_id ON articles (author_id);
CREATE INDEX index_articles_on_published_at ON articles (published_at DESC)
    WHERE published_at IS NOT NULL;
