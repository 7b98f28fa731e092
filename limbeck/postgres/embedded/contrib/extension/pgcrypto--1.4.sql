-- pgcrypto in SQL: digest, hmac, random bytes and md5-crypt are whole; the rest says that it is
-- missing. Names, arguments and properties are those of pgcrypto 1.4.
\echo Use "CREATE EXTENSION pgcrypto" to load this file. \quit

CREATE FUNCTION digest(bytea, text) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $function$
DECLARE
  message ALIAS FOR $1;
  type ALIAS FOR $2;
  mask CONSTANT bigint := 4294967295;
  h0 bigint := 1732584193; h1 bigint := 4023233417; h2 bigint := 2562383102;
  h3 bigint := 271733878; h4 bigint := 3285377520;
  a bigint; b bigint; c bigint; d bigint; e bigint; x bigint;
  w bigint[] := array_fill(0::bigint, ARRAY[80], ARRAY[0]);
  padded bytea;
BEGIN
  CASE lower(type)
  WHEN 'md5' THEN
    RETURN decode(md5(message), 'hex');
  WHEN 'sha224' THEN
    RETURN sha224(message);
  WHEN 'sha256' THEN
    RETURN sha256(message);
  WHEN 'sha384' THEN
    RETURN sha384(message);
  WHEN 'sha512' THEN
    RETURN sha512(message);
  WHEN 'sha1' THEN
    -- SHA-1 (RFC 3174): Postgres itself has every hash needed here but this one.
    padded := message || '\x80'::bytea
      || decode(repeat('00', (119 - length(message) % 64) % 64), 'hex')
      || int8send(length(message)::bigint * 8);
    FOR block IN 0 .. length(padded) / 64 - 1 LOOP
      FOR t IN 0 .. 15 LOOP
        w[t] := (get_byte(padded, block * 64 + t * 4)::bigint << 24)
          | (get_byte(padded, block * 64 + t * 4 + 1) << 16)
          | (get_byte(padded, block * 64 + t * 4 + 2) << 8)
          | get_byte(padded, block * 64 + t * 4 + 3);
      END LOOP;
      FOR t IN 16 .. 79 LOOP
        x := w[t - 3] # w[t - 8] # w[t - 14] # w[t - 16];
        w[t] := ((x << 1) | (x >> 31)) & mask;
      END LOOP;
      a := h0; b := h1; c := h2; d := h3; e := h4;
      FOR t IN 0 .. 79 LOOP
        IF t < 20 THEN
          x := ((b & c) | ((mask # b) & d)) + 1518500249;
        ELSIF t < 40 THEN
          x := (b # c # d) + 1859775393;
        ELSIF t < 60 THEN
          x := ((b & c) | (b & d) | (c & d)) + 2400959708;
        ELSE
          x := (b # c # d) + 3395469782;
        END IF;
        x := ((((a << 5) | (a >> 27)) & mask) + x + e + w[t]) & mask;
        e := d; d := c; c := ((b << 30) | (b >> 2)) & mask; b := a; a := x;
      END LOOP;
      h0 := (h0 + a) & mask; h1 := (h1 + b) & mask; h2 := (h2 + c) & mask;
      h3 := (h3 + d) & mask; h4 := (h4 + e) & mask;
    END LOOP;
    RETURN substr(int8send(h0), 5) || substr(int8send(h1), 5) || substr(int8send(h2), 5)
      || substr(int8send(h3), 5) || substr(int8send(h4), 5);
  ELSE
    RAISE invalid_parameter_value USING
      MESSAGE = format('Cannot use "%s": No such hash algorithm', type);
  END CASE;
END
$function$;

CREATE FUNCTION digest(text, text) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN digest(convert_to($1, getdatabaseencoding()), $2);

-- RFC 2104: a key longer than the hash's block is hashed first, a shorter one is filled with zeros.
CREATE FUNCTION hmac(bytea, bytea, text) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
  SELECT digest(outer_pad || digest(inner_pad || $1, $3), $3)
  FROM (SELECT CASE WHEN lower($3) IN ('sha384', 'sha512') THEN 128 ELSE 64 END AS size) AS block,
    LATERAL (SELECT CASE WHEN length($2) > size THEN digest($2, $3) ELSE $2 END AS short) AS hashed,
    LATERAL (
      SELECT
        string_agg(set_byte('\x00'::bytea, 0, octet # 54), ''::bytea ORDER BY i) AS inner_pad,
        string_agg(set_byte('\x00'::bytea, 0, octet # 92), ''::bytea ORDER BY i) AS outer_pad
      FROM generate_series(0, size - 1) AS i,
        LATERAL (SELECT CASE WHEN i < length(short) THEN get_byte(short, i) ELSE 0 END AS octet) AS o
    ) AS pads;
END;

CREATE FUNCTION hmac(text, text, text) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN hmac(
  convert_to($1, getdatabaseencoding()), convert_to($2, getdatabaseencoding()), $3
);

-- Of a version 4 UUID's sixteen bytes, the 7th and the 9th have fixed bits: they are left out.
CREATE FUNCTION gen_random_bytes(integer) RETURNS bytea
LANGUAGE plpgsql VOLATILE STRICT PARALLEL SAFE
AS $function$
BEGIN
  IF $1 NOT BETWEEN 1 AND 1024 THEN
    RAISE external_routine_invocation_exception USING MESSAGE = 'Length not in range';
  END IF;
  RETURN (
    SELECT substr(
      string_agg(substr(u, 1, 6) || substr(u, 8, 1) || substr(u, 10, 7), ''::bytea), 1, $1
    )
    FROM (
      SELECT uuid_send(pg_catalog.gen_random_uuid()) AS u
      FROM generate_series(1, ($1 + 13) / 14)
    ) AS uuids
  );
END
$function$;

CREATE FUNCTION gen_random_uuid() RETURNS uuid
LANGUAGE sql VOLATILE PARALLEL SAFE
RETURN pg_catalog.gen_random_uuid();

CREATE FUNCTION fips_mode() RETURNS boolean
LANGUAGE sql VOLATILE STRICT PARALLEL SAFE
RETURN false;

CREATE FUNCTION gen_salt(text, integer) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT PARALLEL SAFE
AS $function$
DECLARE
  letters CONSTANT text := './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
  random bytea := uuid_send(pg_catalog.gen_random_uuid());
BEGIN
  IF lower($1) <> 'md5' THEN
    RAISE feature_not_supported USING
      MESSAGE = format('the embedded server''s pgcrypto lacks gen_salt(''%s''): it has md5', $1),
      HINT = 'Use a server with the real pgcrypto: SHADOW_DATABASE_URL, or a URL for the profile.';
  ELSIF $2 NOT IN (0, 1000) THEN
    RAISE invalid_parameter_value USING MESSAGE = 'gen_salt: Incorrect number of rounds';
  END IF;
  RETURN '$1$' || (
    SELECT string_agg(substr(letters, get_byte(random, i) % 64 + 1, 1), '')
    FROM unnest(ARRAY[0, 1, 2, 3, 4, 5, 7, 9]) AS i
  );
END
$function$;

CREATE FUNCTION gen_salt(text) RETURNS text
LANGUAGE sql VOLATILE STRICT PARALLEL SAFE
RETURN gen_salt($1, 0);

-- md5-crypt as Poul-Henning Kamp wrote it for FreeBSD.
CREATE FUNCTION crypt(text, text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $function$
DECLARE
  letters CONSTANT text := './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
  places CONSTANT integer[] := ARRAY[[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]];
  password bytea := convert_to($1, getdatabaseencoding());
  named text := substring($2 FROM '^\$1\$([^$]{0,8})');
  salt bytea := convert_to(named, getdatabaseencoding());
  hash bytea;
  mixed bytea;
  bits integer;
  result text;
BEGIN
  IF named IS NULL THEN
    RAISE feature_not_supported USING
      MESSAGE = 'the embedded server''s pgcrypto lacks crypt with this kind of salt: it has md5',
      HINT = 'Use a server with the real pgcrypto: SHADOW_DATABASE_URL, or a URL for the profile.';
  END IF;
  hash := decode(md5(password || salt || password), 'hex');
  mixed := password || convert_to('$1$', 'UTF8') || salt
    || substr(decode(repeat(encode(hash, 'hex'), length(password) / 16 + 1), 'hex'), 1, length(password));
  bits := length(password);
  WHILE bits > 0 LOOP
    mixed := mixed || CASE WHEN bits & 1 = 1 THEN '\x00'::bytea ELSE substr(password, 1, 1) END;
    bits := bits >> 1;
  END LOOP;
  hash := decode(md5(mixed), 'hex');
  FOR turn IN 0 .. 999 LOOP
    mixed := CASE WHEN turn & 1 = 1 THEN password ELSE hash END
      || CASE WHEN turn % 3 <> 0 THEN salt ELSE '' END
      || CASE WHEN turn % 7 <> 0 THEN password ELSE '' END
      || CASE WHEN turn & 1 = 1 THEN hash ELSE password END;
    hash := decode(md5(mixed), 'hex');
  END LOOP;
  result := '$1$' || named || '$';
  FOR line IN 1 .. 5 LOOP
    bits := (get_byte(hash, places[line][1]) << 16)
      | (get_byte(hash, places[line][2]) << 8)
      | get_byte(hash, places[line][3]);
    FOR letter IN 0 .. 3 LOOP
      result := result || substr(letters, (bits >> (letter * 6)) % 64 + 1, 1);
    END LOOP;
  END LOOP;
  bits := get_byte(hash, 11);
  RETURN result || substr(letters, bits % 64 + 1, 1) || substr(letters, bits / 64 + 1, 1);
END
$function$;

-- What is missing is there by name, so that schemas which mention it load, and says so when called.
-- A superuser runs this for any role, so every name is qualified: the extension's schema may hold
-- another format(text, text, text, text, text).
DO $script$
DECLARE
  missing record;
BEGIN
  FOR missing IN
    SELECT * FROM (VALUES
      ('armor(bytea)', 'text', 'IMMUTABLE'),
      ('armor(bytea, text[], text[])', 'text', 'IMMUTABLE'),
      ('dearmor(text)', 'bytea', 'IMMUTABLE'),
      ('pgp_armor_headers(text, OUT key text, OUT value text)', 'SETOF record', 'IMMUTABLE'),
      ('encrypt(bytea, bytea, text)', 'bytea', 'IMMUTABLE'),
      ('encrypt_iv(bytea, bytea, bytea, text)', 'bytea', 'IMMUTABLE'),
      ('decrypt(bytea, bytea, text)', 'bytea', 'IMMUTABLE'),
      ('decrypt_iv(bytea, bytea, bytea, text)', 'bytea', 'IMMUTABLE'),
      ('pgp_key_id(bytea)', 'text', 'IMMUTABLE'),
      ('pgp_pub_decrypt(bytea, bytea)', 'text', 'IMMUTABLE'),
      ('pgp_pub_decrypt(bytea, bytea, text)', 'text', 'IMMUTABLE'),
      ('pgp_pub_decrypt(bytea, bytea, text, text)', 'text', 'IMMUTABLE'),
      ('pgp_pub_decrypt_bytea(bytea, bytea)', 'bytea', 'IMMUTABLE'),
      ('pgp_pub_decrypt_bytea(bytea, bytea, text)', 'bytea', 'IMMUTABLE'),
      ('pgp_pub_decrypt_bytea(bytea, bytea, text, text)', 'bytea', 'IMMUTABLE'),
      ('pgp_pub_encrypt(text, bytea)', 'bytea', 'VOLATILE'),
      ('pgp_pub_encrypt(text, bytea, text)', 'bytea', 'VOLATILE'),
      ('pgp_pub_encrypt_bytea(bytea, bytea)', 'bytea', 'VOLATILE'),
      ('pgp_pub_encrypt_bytea(bytea, bytea, text)', 'bytea', 'VOLATILE'),
      ('pgp_sym_decrypt(bytea, text)', 'text', 'IMMUTABLE'),
      ('pgp_sym_decrypt(bytea, text, text)', 'text', 'IMMUTABLE'),
      ('pgp_sym_decrypt_bytea(bytea, text)', 'bytea', 'IMMUTABLE'),
      ('pgp_sym_decrypt_bytea(bytea, text, text)', 'bytea', 'IMMUTABLE'),
      ('pgp_sym_encrypt(text, text)', 'bytea', 'VOLATILE'),
      ('pgp_sym_encrypt(text, text, text)', 'bytea', 'VOLATILE'),
      ('pgp_sym_encrypt_bytea(bytea, text)', 'bytea', 'VOLATILE'),
      ('pgp_sym_encrypt_bytea(bytea, text, text)', 'bytea', 'VOLATILE')
    ) AS missing (signature, result, volatility)
  LOOP
    EXECUTE pg_catalog.format(
      'CREATE FUNCTION %s RETURNS %s LANGUAGE plpgsql %s STRICT PARALLEL SAFE AS %L',
      missing.signature, missing.result, missing.volatility,
      pg_catalog.format(
        'BEGIN RAISE feature_not_supported USING MESSAGE = %L, HINT = %L; END',
        'the embedded server''s pgcrypto lacks '
          OPERATOR(pg_catalog.||) pg_catalog.split_part(missing.signature, '(', 1),
        'Use a server with the real pgcrypto: SHADOW_DATABASE_URL, or a URL for the profile.'
      )
    );
  END LOOP;
END
$script$;
