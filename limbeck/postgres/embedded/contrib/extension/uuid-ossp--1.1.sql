-- uuid-ossp in SQL, whole. Names, arguments and properties are those of uuid-ossp 1.1.
\echo Use "CREATE EXTENSION "uuid-ossp"" to load this file. \quit

CREATE FUNCTION uuid_nil() RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '00000000-0000-0000-0000-000000000000'::uuid;

CREATE FUNCTION uuid_ns_dns() RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '6ba7b810-9dad-11d1-80b4-00c04fd430c8'::uuid;

CREATE FUNCTION uuid_ns_url() RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '6ba7b811-9dad-11d1-80b4-00c04fd430c8'::uuid;

CREATE FUNCTION uuid_ns_oid() RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '6ba7b812-9dad-11d1-80b4-00c04fd430c8'::uuid;

CREATE FUNCTION uuid_ns_x500() RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '6ba7b814-9dad-11d1-80b4-00c04fd430c8'::uuid;

CREATE FUNCTION uuid_generate_v4() RETURNS uuid
LANGUAGE sql VOLATILE STRICT PARALLEL SAFE
RETURN gen_random_uuid();

-- RFC 9562, version 1: 100 ns since 1582-10-15, a random clock sequence, and as node a random
-- number with the multicast bit set, which stands for a network card's address.
CREATE FUNCTION uuid_generate_v1mc() RETURNS uuid
LANGUAGE plpgsql VOLATILE STRICT PARALLEL SAFE
AS $function$
DECLARE
  ticks bigint := (extract(epoch FROM clock_timestamp()) * 10000000)::bigint + 122192928000000000;
  time text := lpad(to_hex(ticks), 16, '0');
  random bytea := uuid_send(gen_random_uuid());
  node bytea := set_byte(substr(random, 11, 6), 0, get_byte(random, 10) | 1);
BEGIN
  RETURN substr(time, 9, 8) || substr(time, 5, 4) || '1' || substr(time, 2, 3)
    || encode(substr(random, 9, 2), 'hex') || encode(node, 'hex');
END
$function$;

-- The same with a node that stays, made from the cluster's identifier.
CREATE FUNCTION uuid_generate_v1() RETURNS uuid
LANGUAGE plpgsql VOLATILE STRICT PARALLEL SAFE
AS $function$
DECLARE
  ticks bigint := (extract(epoch FROM clock_timestamp()) * 10000000)::bigint + 122192928000000000;
  time text := lpad(to_hex(ticks), 16, '0');
  random bytea := uuid_send(gen_random_uuid());
  node bytea := (
    SELECT substr(decode(md5(system_identifier::text), 'hex'), 1, 6) FROM pg_control_system()
  );
BEGIN
  RETURN substr(time, 9, 8) || substr(time, 5, 4) || '1' || substr(time, 2, 3)
    || encode(substr(random, 9, 2), 'hex')
    || encode(set_byte(node, 0, get_byte(node, 0) | 1), 'hex');
END
$function$;

CREATE FUNCTION uuid_generate_v3(namespace uuid, name text) RETURNS uuid
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $function$
DECLARE
  hash bytea := decode(
    md5(uuid_send(namespace) || convert_to(name, getdatabaseencoding())), 'hex'
  );
BEGIN
  hash := set_byte(hash, 6, get_byte(hash, 6) & 15 | 48);
  hash := set_byte(hash, 8, get_byte(hash, 8) & 63 | 128);
  RETURN encode(hash, 'hex');
END
$function$;

CREATE FUNCTION uuid_generate_v5(namespace uuid, name text) RETURNS uuid
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $function$
DECLARE
  message bytea := uuid_send(namespace) || convert_to(name, getdatabaseencoding());
  hash bytea;
  mask CONSTANT bigint := 4294967295;
  h0 bigint := 1732584193; h1 bigint := 4023233417; h2 bigint := 2562383102;
  h3 bigint := 271733878; h4 bigint := 3285377520;
  a bigint; b bigint; c bigint; d bigint; e bigint; x bigint;
  w bigint[] := array_fill(0::bigint, ARRAY[80], ARRAY[0]);
  padded bytea;
BEGIN
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
  hash := substr(substr(int8send(h0), 5) || substr(int8send(h1), 5) || substr(int8send(h2), 5)
    || substr(int8send(h3), 5) || substr(int8send(h4), 5), 1, 16);
  hash := set_byte(hash, 6, get_byte(hash, 6) & 15 | 80);
  hash := set_byte(hash, 8, get_byte(hash, 8) & 63 | 128);
  RETURN encode(hash, 'hex');
END
$function$;
