"""The extensions that real schemas ask for can be created on the embedded server, and are right."""

from __future__ import annotations

import hashlib
import hmac
import time
import uuid
from typing import Any

import psycopg
import pytest

from limbeck.postgres.embedded import extensions

WANTED = (
    *("btree_gist", "citext", "hstore", "ltree", "pg_trgm"),
    *("pgcrypto", "unaccent", "uuid-ossp", "vector", "plpgsql"),
)
HASHES = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")
# Around every length at which padding spills into another block.
LENGTHS = (0, 1, 3, 55, 56, 57, 63, 64, 65, 111, 112, 119, 120, 127, 128, 129, 200)
LACKING = (
    "crypt('secret', '$2a$06$abcdefghijklmnopqrstuu')",
    "gen_salt('bf')",
    "gen_salt('xdes', 725)",
    "encrypt('data', 'key', 'aes')",
    "pgp_sym_encrypt('data', 'key')",
    "pgp_pub_decrypt_bytea('data', 'key', 'secret')",
    "armor('data')",
)


def ask(connection: psycopg.Connection, question: str, *values: object) -> Any:
    """Give the one value that a SELECT answers."""
    row = connection.execute(f"SELECT {question}".encode(), values or None).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize("name", WANTED)
def test_extension_can_be_created(connection: psycopg.Connection, name: str) -> None:
    connection.execute(f'CREATE EXTENSION IF NOT EXISTS "{name}"'.encode())
    assert ask(connection, "extname FROM pg_extension WHERE extname = %s", name) == name


def test_extension_can_live_in_and_move_to_any_schema(connection: psycopg.Connection) -> None:
    connection.execute(
        """
        CREATE SCHEMA one; CREATE SCHEMA two; SET search_path = '';
        CREATE EXTENSION pgcrypto SCHEMA one; CREATE EXTENSION "uuid-ossp" SCHEMA one;
        ALTER EXTENSION pgcrypto SET SCHEMA two; ALTER EXTENSION "uuid-ossp" SET SCHEMA two
        """
    )
    code = ask(connection, "two.hmac('text', 'key', 'sha1')")
    assert code == hmac.new(b"key", b"text", "sha1").digest()
    assert ask(connection, "two.uuid_generate_v5(two.uuid_ns_dns(), 'a')") == uuid.uuid5(
        uuid.NAMESPACE_DNS, "a"
    )


@pytest.mark.parametrize("name", HASHES)
def test_digest_and_hmac_equal_hashlib(connection: psycopg.Connection, name: str) -> None:
    connection.execute("CREATE EXTENSION pgcrypto")
    for length in LENGTHS:
        message, key = bytes(range(256))[:length], b"key" * length
        digest = ask(connection, "digest(%s::bytea, %s)", message, name.upper())
        assert digest == hashlib.new(name, message).digest(), length
        code = ask(connection, "hmac(%s::bytea, %s::bytea, %s)", message, key, name)
        assert code == hmac.new(key, message, name).digest(), length
    assert (
        ask(connection, "digest('größe', %s)", name) == hashlib.new(name, "größe".encode()).digest()
    )


def test_named_uuids_equal_pythons(connection: psycopg.Connection) -> None:
    connection.execute('CREATE EXTENSION "uuid-ossp"')
    spaces = {"dns": uuid.NAMESPACE_DNS, "url": uuid.NAMESPACE_URL, "oid": uuid.NAMESPACE_OID}
    for space, namespace in {**spaces, "x500": uuid.NAMESPACE_X500}.items():
        for name in ("", "example.org", "größe" * 40):
            v3 = ask(connection, f"uuid_generate_v3(uuid_ns_{space}(), %s)", name)
            v5 = ask(connection, f"uuid_generate_v5(uuid_ns_{space}(), %s)", name)
            assert (v3, v5) == (uuid.uuid3(namespace, name), uuid.uuid5(namespace, name))


@pytest.mark.parametrize(("function", "version"), [("v1", 1), ("v1mc", 1), ("v4", 4)])
def test_uuids_are_distinct_and_of_their_version(
    connection: psycopg.Connection, function: str, version: int
) -> None:
    connection.execute('CREATE EXTENSION "uuid-ossp"')
    many = ask(connection, f"array_agg(uuid_generate_{function}()) FROM generate_series(1, 500)")
    assert len(set(many)) == 500
    assert {(one.version, one.variant) for one in many} == {(version, uuid.RFC_4122)}
    if version == 1:
        seconds = (many[0].time - 0x01B21DD213814000) / 1e7
        assert abs(seconds - time.time()) < 60
        assert (len({one.node for one in many}) == 1) == (function == "v1")
        assert all(one.node >> 40 & 1 for one in many), "the multicast bit says: no real card"


def test_random_bytes_have_every_length_and_no_fixed_bits(connection: psycopg.Connection) -> None:
    connection.execute("CREATE EXTENSION pgcrypto")
    for length in (1, 13, 14, 15, 1024):
        assert len(ask(connection, "gen_random_bytes(%s)", length)) == length
    some = [ask(connection, "gen_random_bytes(28)") for _ in range(200)]
    for bit in range(28 * 8):
        assert len({one[bit // 8] >> bit % 8 & 1 for one in some}) == 2, bit
    for length in (0, 1025):
        with pytest.raises(psycopg.Error, match="Length not in range"):
            ask(connection, "gen_random_bytes(%s)", length)


def test_md5_crypt_equals_the_real_one(connection: psycopg.Connection) -> None:
    """The hashes were made by pgcrypto itself."""
    connection.execute("CREATE EXTENSION pgcrypto")
    known = "$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1"
    assert ask(connection, "crypt('secret', '$1$abcdefgh')") == known
    assert ask(connection, "crypt('secret', %s)", known) == known
    assert ask(connection, "crypt(x, salt) = crypt(x, crypt(x, salt)) FROM (SELECT 'größe' AS x, "
               "gen_salt('md5') AS salt) AS made")  # fmt: skip


@pytest.mark.parametrize("call", LACKING)
def test_what_is_lacking_says_so(connection: psycopg.Connection, call: str) -> None:
    connection.execute("CREATE EXTENSION pgcrypto")
    if ask(connection, "prolang = 13 FROM pg_proc WHERE proname = 'fips_mode'"):
        pytest.skip("this Postgres has the real pgcrypto")
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="embedded server's pgcrypto"):
        ask(connection, call)


def test_another_missing_extension_is_named_with_a_way_out(connection: psycopg.Connection) -> None:
    with pytest.raises(psycopg.Error) as caught:
        connection.execute("CREATE EXTENSION postgis")
    error = extensions.missing(caught.value)
    assert error is not None
    assert '"postgis"' in error.message
    assert error.hint is not None
    assert "SHADOW_DATABASE_URL" in error.hint
    assert extensions.missing(ValueError("something else")) is None
