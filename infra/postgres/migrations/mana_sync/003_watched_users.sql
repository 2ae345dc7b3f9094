-- Transactions that notify commit one after the other, through the flush of the WAL. So a row of the log is told of
-- only where somebody listens: a replica of the sync target watches the users whose WebSockets it holds. The runner's
-- write-back for everybody else commits like any other transaction.

-- A replica is alive as long as it says so. What a dead one watched costs notices that nobody hears, nothing more.
CREATE TABLE mana_sync.watchers (
  id uuid PRIMARY KEY,
  alive_until timestamptz NOT NULL
);

-- No user at all ('') means every user. turn: of the watcher's statements, the latest about the user counts.
CREATE TABLE mana_sync.watched_users (
  user_id text NOT NULL,
  watcher uuid NOT NULL REFERENCES mana_sync.watchers ON DELETE CASCADE,
  turn bigint NOT NULL,
  PRIMARY KEY (user_id, watcher)
);
CREATE INDEX watched_users_watcher ON mana_sync.watched_users (watcher);

-- All of these may be lost in a crash of the database: a watcher starts anew whenever its listener does.

-- Extends the watcher's life; false when it is not known, or no longer: then it watches nobody. Ends the lives of
-- those who let theirs pass, without waiting for anybody who does the same.
CREATE FUNCTION mana_sync.keep_watching(p_watcher uuid, p_life interval) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  DELETE FROM mana_sync.watchers w USING (
    SELECT d.id FROM mana_sync.watchers d WHERE d.alive_until < now() AND d.id <> p_watcher
    FOR UPDATE SKIP LOCKED) dead
  WHERE w.id = dead.id;
  UPDATE mana_sync.watchers w SET alive_until = now() + p_life WHERE w.id = p_watcher;
  RETURN FOUND;
END $$;

-- From its commit on rows of these users are told of; `name` is what the notices call them (notice_name). A
-- transaction that wrote its rows before says nothing even if it commits after: the caller has to look again
-- when all that are under way have ended.
CREATE FUNCTION mana_sync.watch(p_watcher uuid, p_life interval, p_turn bigint, p_users text[])
RETURNS TABLE (user_id text, name text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  INSERT INTO mana_sync.watchers AS w (id, alive_until) VALUES (p_watcher, now() + p_life)
  ON CONFLICT (id) DO UPDATE SET alive_until = excluded.alive_until;
  INSERT INTO mana_sync.watched_users AS w (user_id, watcher, turn)
  SELECT DISTINCT u.id, p_watcher, p_turn FROM unnest(p_users) AS u(id) WHERE u.id <> '' ORDER BY u.id
  ON CONFLICT ON CONSTRAINT watched_users_pkey DO UPDATE SET turn = greatest(w.turn, excluded.turn);
  RETURN QUERY SELECT u.id, mana_sync.name_in_notices(u.id) FROM unnest(p_users) AS u(id);
END $$;

CREATE FUNCTION mana_sync.unwatch(p_watcher uuid, p_turn bigint, p_users text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  DELETE FROM mana_sync.watched_users w
  WHERE w.watcher = p_watcher AND w.turn < p_turn AND w.user_id = ANY (p_users);
END $$;

-- What notices call a user; for the functions here. WHERE: by the key's index, since the trigger may not scan.
CREATE FUNCTION mana_sync.name_in_notices(p_user text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT encode(substr(sha256(k.key || convert_to(p_user, 'UTF8')), 1, 16), 'hex') FROM mana_sync.notice_key k
  WHERE k.one
$$;

-- A replica of the release before asks for the name and then listens, watching nobody. As long as it may be there
-- every row is told of: until an hour after it opened its last WebSocket, and for the first hour where the log is in
-- use already.
CREATE FUNCTION mana_sync.watch_everybody() RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO mana_sync.watchers AS w (id, alive_until)
  VALUES ('00000000-0000-0000-0000-000000000000', now() + interval '1 hour')
  ON CONFLICT (id) DO UPDATE SET alive_until = excluded.alive_until
    WHERE w.alive_until < excluded.alive_until - interval '1 minute';
  INSERT INTO mana_sync.watched_users (user_id, watcher, turn)
  VALUES ('', '00000000-0000-0000-0000-000000000000', 0)
  ON CONFLICT DO NOTHING;
$$;
SELECT mana_sync.watch_everybody() WHERE EXISTS (SELECT FROM public.sync_changes);

CREATE OR REPLACE FUNCTION mana_sync.notice_name(p_user text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM mana_sync.watch_everybody();
  RETURN mana_sync.name_in_notices(p_user);
END $$;

-- One notice for each user, app and table of a transaction, sent when it commits: {"to", "app", "tables"}.
-- A notification holds 8,000 bytes, and one that is longer would refuse the row: no tables mean any, and app *
-- means all. enable_seqscan: a session keeps the plan, and one from when nobody was watched would read all of the
-- table for every row.
CREATE OR REPLACE FUNCTION mana_sync.note_changes() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
BEGIN
  -- A snapshot from before the statement need not show who has begun to watch.
  IF current_setting('transaction_isolation') = 'read committed' AND NOT EXISTS (
    SELECT FROM mana_sync.watched_users w WHERE w.user_id IN (NEW.user_id, '')) THEN
    RETURN NULL;
  END IF;
  PERFORM pg_notify('mana_sync_changes', jsonb_build_object(
    'to', mana_sync.name_in_notices(NEW.user_id),
    'app', CASE WHEN octet_length(NEW.app_id) <= 200 THEN NEW.app_id ELSE '*' END,
    'tables', CASE WHEN octet_length(to_jsonb(NEW.table_name)::text) <= 4000 THEN jsonb_build_array(NEW.table_name)
              ELSE '[]' END)::text);
  RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER mana_sync_note_changes AFTER INSERT ON public.sync_changes
  FOR EACH ROW EXECUTE FUNCTION mana_sync.note_changes();

REVOKE ALL ON FUNCTION mana_sync.keep_watching(uuid, interval), mana_sync.watch(uuid, interval, bigint, text[]),
  mana_sync.unwatch(uuid, bigint, text[]), mana_sync.name_in_notices(text), mana_sync.watch_everybody() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mana_sync.keep_watching(uuid, interval), mana_sync.watch(uuid, interval, bigint, text[]),
  mana_sync.unwatch(uuid, bigint, text[]) TO mana_sync;
