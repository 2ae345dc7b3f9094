-- Standalone sign-in: users, their sessions, and the limits on guessing.
--
-- Somebody who signs in has no user id yet, and a refresh token names none either. So nothing here is
-- read or written by the service's login itself: it may call the functions below, which look up exactly
-- one name or one token. They are SECURITY DEFINER; row level security is forced and lets only their
-- owner in, whom nobody can log in as.

CREATE TABLE mana_auth.users (
  user_id       text        PRIMARY KEY DEFAULT gen_random_uuid()::text CHECK (user_id <> ''),
  name          text        NOT NULL CHECK (char_length(name) BETWEEN 1 AND 64),
  password_hash text        NOT NULL CHECK (password_hash LIKE '$scrypt$%'),
  created_at    timestamptz NOT NULL DEFAULT now()
);
-- Under collation C lower() changes ASCII only, whatever the database's locale.
CREATE UNIQUE INDEX users_name ON mana_auth.users (lower(name COLLATE "C"));

-- A sign-in on one device: the family of refresh tokens that began with it.
CREATE TABLE mana_auth.sign_in_sessions (
  session_id uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id    text        NOT NULL REFERENCES mana_auth.users ON DELETE CASCADE,
  generation integer     NOT NULL DEFAULT 1, -- of the tokens that are valid now
  created_at timestamptz NOT NULL,
  rotated_at timestamptz NOT NULL,           -- when this generation began
  expires_at timestamptz NOT NULL,
  revoked_at timestamptz
);
CREATE INDEX sign_in_sessions_user ON mana_auth.sign_in_sessions (user_id);

-- Used tokens stay as long as they could be used, so that one that comes back is recognised.
CREATE TABLE mana_auth.refresh_tokens (
  token_hash bytea       PRIMARY KEY CHECK (octet_length(token_hash) = 32), -- SHA-256 of the token
  session_id uuid        NOT NULL REFERENCES mana_auth.sign_in_sessions ON DELETE CASCADE,
  generation integer     NOT NULL,
  issued_at  timestamptz NOT NULL,
  used_at    timestamptz
);
CREATE INDEX refresh_tokens_session ON mana_auth.refresh_tokens (session_id, issued_at);

-- Attempts that failed or are under way. Hashes, because what is typed as a name may be a password.
CREATE TABLE mana_auth.sign_in_attempts (
  attempt_id  bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name_key    bytea, -- null: does not count against a name
  address_key bytea       NOT NULL,
  at          timestamptz NOT NULL
);
CREATE INDEX sign_in_attempts_name ON mana_auth.sign_in_attempts (name_key, at);
CREATE INDEX sign_in_attempts_address ON mana_auth.sign_in_attempts (address_key, at);
CREATE INDEX sign_in_attempts_at ON mana_auth.sign_in_attempts (at);

ALTER TABLE mana_auth.users ENABLE ROW LEVEL SECURITY;
ALTER TABLE mana_auth.users FORCE ROW LEVEL SECURITY;
ALTER TABLE mana_auth.sign_in_sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE mana_auth.sign_in_sessions FORCE ROW LEVEL SECURITY;
ALTER TABLE mana_auth.refresh_tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE mana_auth.refresh_tokens FORCE ROW LEVEL SECURITY;
CREATE POLICY users_functions_only ON mana_auth.users TO mana_auth_owner USING (true) WITH CHECK (true);
CREATE POLICY sign_in_sessions_functions_only ON mana_auth.sign_in_sessions TO mana_auth_owner
  USING (true) WITH CHECK (true);
CREATE POLICY refresh_tokens_functions_only ON mana_auth.refresh_tokens TO mana_auth_owner
  USING (true) WITH CHECK (true);

-- How long after its last failure a name waits: three tries are free, then 1 s, 2 s, 4 s … 64 s. The
-- tenth failure within the window closes the name until the first of them is older than the window.
CREATE FUNCTION mana_auth.pause_after(p_failures bigint) RETURNS interval
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN p_failures < 3 THEN interval '0' ELSE interval '1 second' * 2 ^ least(p_failures - 3, 6) END
$$;

-- Counts an attempt before it is made, so that parallel guesses cannot pass the limits together; one
-- that succeeds is taken back by open_session. Over a limit nothing is counted and retry_after_ms says
-- when to come back. p_name null: only the address is limited.
CREATE FUNCTION mana_auth.begin_sign_in(p_name text, p_address text, p_now timestamptz DEFAULT now())
RETURNS TABLE (retry_after_ms bigint, attempt bigint, user_id text, password_hash text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  c_window CONSTANT interval := interval '15 minutes';
  c_per_name CONSTANT integer := 10;
  c_per_address CONSTANT integer := 50;
  v_name bytea := sha256(convert_to(lower(p_name COLLATE "C"), 'UTF8'));
  v_address bytea := sha256(convert_to(p_address, 'UTF8'));
  v_free_at timestamptz := p_now;
BEGIN
  DELETE FROM mana_auth.sign_in_attempts a WHERE a.attempt_id IN (
    SELECT o.attempt_id FROM mana_auth.sign_in_attempts o WHERE o.at <= p_now - c_window
    ORDER BY o.at LIMIT 100 FOR UPDATE SKIP LOCKED);
  -- Attempts on one name, or from one address, are counted one after the other: names before addresses.
  IF v_name IS NOT NULL THEN
    PERFORM pg_advisory_xact_lock(hashtextextended('mana_auth name ' || v_name::text, 0));
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('mana_auth address ' || v_address::text, 0));
  SELECT greatest(v_free_at,
                  max(f.at) + mana_auth.pause_after(count(*)),
                  CASE WHEN count(*) >= c_per_name THEN min(f.at) + c_window END)
  INTO v_free_at
  FROM (SELECT a.at FROM mana_auth.sign_in_attempts a
        WHERE a.name_key = v_name AND a.at > p_now - c_window ORDER BY a.at DESC LIMIT c_per_name) f;
  SELECT greatest(v_free_at, CASE WHEN count(*) >= c_per_address THEN min(f.at) + c_window END)
  INTO v_free_at
  FROM (SELECT a.at FROM mana_auth.sign_in_attempts a
        WHERE a.address_key = v_address AND a.at > p_now - c_window ORDER BY a.at DESC LIMIT c_per_address) f;
  IF v_free_at > p_now THEN
    retry_after_ms := ceil(extract(epoch FROM v_free_at - p_now) * 1000);
    RETURN NEXT;
    RETURN;
  END IF;
  INSERT INTO mana_auth.sign_in_attempts (name_key, address_key, at) VALUES (v_name, v_address, p_now)
  RETURNING attempt_id INTO attempt;
  SELECT u.user_id, u.password_hash INTO user_id, password_hash
  FROM mana_auth.users u WHERE lower(u.name COLLATE "C") = lower(p_name COLLATE "C");
  RETURN NEXT;
END $$;

-- The new user's id; null: the name is in use.
CREATE FUNCTION mana_auth.register_user(p_name text, p_password_hash text) RETURNS text
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO mana_auth.users (name, password_hash) VALUES (p_name, p_password_hash)
  ON CONFLICT DO NOTHING RETURNING user_id
$$;

-- The password was right: the attempt did not happen, the name's earlier failures count no more (the
-- address's do, else a guesser would reset them with an account of its own), a session begins.
CREATE FUNCTION mana_auth.open_session(p_attempt bigint, p_user text, p_token bytea, p_ttl_ms bigint,
  p_now timestamptz DEFAULT now())
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_name bytea;
  v_session uuid;
BEGIN
  DELETE FROM mana_auth.sign_in_attempts a WHERE a.attempt_id = p_attempt RETURNING a.name_key INTO v_name;
  UPDATE mana_auth.sign_in_attempts a SET name_key = NULL WHERE a.name_key = v_name;
  DELETE FROM mana_auth.sign_in_sessions s
  WHERE s.user_id = p_user AND (s.expires_at <= p_now OR s.revoked_at IS NOT NULL);
  INSERT INTO mana_auth.sign_in_sessions (user_id, created_at, rotated_at, expires_at)
  VALUES (p_user, p_now, p_now, p_now + p_ttl_ms * interval '1 millisecond') RETURNING session_id INTO v_session;
  INSERT INTO mana_auth.refresh_tokens (token_hash, session_id, generation, issued_at)
  VALUES (p_token, v_session, 1, p_now);
END $$;

-- Replaces a refresh token by p_next. A token of the generation before is good for p_grace_ms more and
-- gets a token of the present generation: two tabs that refresh at the same instant both go on. Any
-- older one was stolen, or the present one was: the session ends.
-- outcome: rotated, unknown, ended (logged out or expired), reused.
CREATE FUNCTION mana_auth.rotate_refresh_token(p_token bytea, p_next bytea, p_ttl_ms bigint, p_grace_ms bigint,
  p_now timestamptz DEFAULT now())
RETURNS TABLE (outcome text, user_id text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_token mana_auth.refresh_tokens;
  v_session mana_auth.sign_in_sessions;
BEGIN
  SELECT t.* INTO v_token FROM mana_auth.refresh_tokens t WHERE t.token_hash = p_token;
  SELECT s.* INTO v_session FROM mana_auth.sign_in_sessions s WHERE s.session_id = v_token.session_id FOR UPDATE;
  IF v_session.session_id IS NULL THEN
    RETURN QUERY SELECT 'unknown', NULL::text;
    RETURN;
  ELSIF v_session.revoked_at IS NOT NULL OR v_session.expires_at <= p_now THEN
    RETURN QUERY SELECT 'ended', v_session.user_id;
    RETURN;
  END IF;
  IF v_token.generation = v_session.generation THEN
    UPDATE mana_auth.sign_in_sessions s SET generation = s.generation + 1, rotated_at = p_now,
      expires_at = p_now + p_ttl_ms * interval '1 millisecond'
    WHERE s.session_id = v_session.session_id RETURNING s.* INTO v_session;
  ELSIF v_token.generation < v_session.generation - 1
        OR p_now >= v_session.rotated_at + p_grace_ms * interval '1 millisecond' THEN
    UPDATE mana_auth.sign_in_sessions s SET revoked_at = p_now WHERE s.session_id = v_session.session_id;
    RETURN QUERY SELECT 'reused', v_session.user_id;
    RETURN;
  END IF;
  UPDATE mana_auth.refresh_tokens t SET used_at = coalesce(t.used_at, p_now) WHERE t.token_hash = p_token;
  DELETE FROM mana_auth.refresh_tokens t
  WHERE t.session_id = v_session.session_id AND t.issued_at < p_now - p_ttl_ms * interval '1 millisecond';
  INSERT INTO mana_auth.refresh_tokens (token_hash, session_id, generation, issued_at)
  VALUES (p_next, v_session.session_id, v_session.generation, p_now);
  RETURN QUERY SELECT 'rotated', v_session.user_id;
END $$;

-- Ends the session of a token, whether that is still valid or not.
CREATE FUNCTION mana_auth.end_session(p_token bytea, p_now timestamptz DEFAULT now()) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE mana_auth.sign_in_sessions s SET revoked_at = p_now
  FROM mana_auth.refresh_tokens t
  WHERE t.token_hash = p_token AND s.session_id = t.session_id AND s.revoked_at IS NULL
$$;

REVOKE ALL ON FUNCTION mana_auth.pause_after(bigint), mana_auth.begin_sign_in(text, text, timestamptz),
  mana_auth.register_user(text, text), mana_auth.open_session(bigint, text, bytea, bigint, timestamptz),
  mana_auth.rotate_refresh_token(bytea, bytea, bigint, bigint, timestamptz),
  mana_auth.end_session(bytea, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mana_auth.begin_sign_in(text, text, timestamptz), mana_auth.register_user(text, text),
  mana_auth.open_session(bigint, text, bytea, bigint, timestamptz),
  mana_auth.rotate_refresh_token(bytea, bytea, bigint, bigint, timestamptz),
  mana_auth.end_session(bytea, timestamptz) TO mana_auth;
