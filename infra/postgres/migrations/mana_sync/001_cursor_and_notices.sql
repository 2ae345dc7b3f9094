-- What the sync target needs beside the contract's columns of public.sync_changes: a cursor that no late
-- commit can slip behind, a place for an event id whose UUID is taken, and a notice of every change. All of
-- it has defaults: whoever appends rows with the contract's columns alone need not know about it. On a
-- large log, create the first index by hand before (CREATE INDEX CONCURRENTLY, same name): here it locks
-- writers out while it is built.

-- transaction_id: the writer's transaction. created_at is no cursor: it is the transaction's start, so rows
-- become visible in another order. Every transaction below pg_snapshot_xmin() has ended: of rows below it
-- none is missing, and none will come. Rows from before this migration sort first.
-- event_id: what the client named the change, where the row's id could not be that (see push_queries.cpp).
ALTER TABLE public.sync_changes
  ADD COLUMN IF NOT EXISTS transaction_id xid8 NOT NULL DEFAULT '0',
  ADD COLUMN IF NOT EXISTS event_id uuid;
ALTER TABLE public.sync_changes ALTER COLUMN transaction_id SET DEFAULT pg_current_xact_id();

CREATE INDEX IF NOT EXISTS sync_changes_cursor
  ON public.sync_changes (user_id, app_id, transaction_id, created_at, id);
CREATE UNIQUE INDEX IF NOT EXISTS sync_changes_event
  ON public.sync_changes (user_id, event_id) WHERE event_id IS NOT NULL;

-- Every login of the database may listen on every channel. So a notice names its user by a hash that only
-- those can compute who hold this key: the trigger, and the sync target through notice_name().
CREATE TABLE mana_sync.notice_key (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  key bytea NOT NULL DEFAULT uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
);
INSERT INTO mana_sync.notice_key DEFAULT VALUES;

CREATE FUNCTION mana_sync.notice_name(p_user text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT encode(substr(sha256(k.key || convert_to(p_user, 'UTF8')), 1, 16), 'hex') FROM mana_sync.notice_key k
$$;
REVOKE ALL ON FUNCTION mana_sync.notice_name(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mana_sync.notice_name(text) TO mana_sync;

-- One notice for each user and app of a statement, sent when its transaction commits: {"to", "app",
-- "tables"}. A notification holds 8,000 bytes, and one that is longer would refuse the row: no tables mean
-- any, and app * means all.
CREATE FUNCTION mana_sync.note_changes() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_notify('mana_sync_changes', jsonb_build_object(
    'to', mana_sync.notice_name(c.user_id),
    'app', CASE WHEN octet_length(c.app_id) <= 200 THEN c.app_id ELSE '*' END,
    'tables', CASE WHEN octet_length(c.tables::text) <= 4000 THEN c.tables ELSE '[]' END)::text)
  FROM (SELECT a.user_id, a.app_id, jsonb_agg(DISTINCT a.table_name) AS tables
        FROM added a GROUP BY a.user_id, a.app_id) c;
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION mana_sync.note_changes() FROM PUBLIC;

CREATE OR REPLACE TRIGGER mana_sync_note_changes AFTER INSERT ON public.sync_changes
  REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION mana_sync.note_changes();

GRANT SELECT ON mana_sync.schema_migrations TO mana_sync; -- /ready compares it with what the binary knows
