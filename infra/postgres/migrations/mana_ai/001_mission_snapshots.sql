-- Mission snapshots with their scheduling state, the users' line, and the dirty queue.

-- The merged mission (contract 2) and the state of its current slot. A row above 2 kB has its record
-- compressed and moved out of line (toast_tuple_target: as soon as it is at all), so that a claim
-- rewrites about a hundred bytes; a smaller row keeps it, and a claim stays cheap as long as the new
-- version fits on the same page, where the log holds only the difference: hence the fill factor.
-- A renewed lease stays a HOT update: lease_until stands in no index and in no index predicate.
CREATE TABLE mana_ai.mission_snapshots (
  user_id         text        NOT NULL CHECK (user_id <> ''),
  mission_id      text        NOT NULL,
  record          jsonb       NOT NULL,
  -- The position (created_at, id) of the last log row that is folded in.
  last_applied_at timestamptz NOT NULL,
  last_applied_id uuid        NOT NULL,
  updated_at      timestamptz NOT NULL DEFAULT now(),
  -- The due time of the current slot: record.nextRunAt.
  slot_at         timestamptz,
  -- Why the mission is not run although a slot may be due; null: nothing holds it.
  hold            text,
  -- From when on it may be claimed: the slot, or later while it is being retried. Null while held,
  -- leased or without a slot.
  claimable_at    timestamptz,
  -- Claims for the current slot, counted at claim so that a crash counts too.
  attempt         integer     NOT NULL DEFAULT 0 CHECK (attempt >= 0),
  -- The fencing token: every write that ends a run matches it.
  lease_token     uuid,
  lease_until     timestamptz,
  lease_owner     text,
  last_error      text,
  PRIMARY KEY (user_id, mission_id),
  CHECK ((lease_token IS NULL) = (lease_until IS NULL)),
  CHECK (claimable_at IS NULL OR (lease_token IS NULL AND hold IS NULL))
) WITH (fillfactor = 50, toast_tuple_target = 128, autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE mana_ai.mission_snapshots
  ALTER COLUMN record SET COMPRESSION lz4,
  -- Only the record leaves the row; toast_tuple_target would take ids above 24 bytes with it.
  ALTER COLUMN user_id SET STORAGE MAIN,
  ALTER COLUMN mission_id SET STORAGE MAIN,
  ALTER COLUMN hold SET STORAGE MAIN,
  ALTER COLUMN lease_owner SET STORAGE MAIN,
  ALTER COLUMN last_error SET STORAGE MAIN;

-- Active and due, per user.
CREATE INDEX mission_snapshots_claimable ON mana_ai.mission_snapshots (user_id, claimable_at)
  WHERE claimable_at IS NOT NULL;
-- Runs in flight: as many entries as there are runs.
CREATE INDEX mission_snapshots_leased ON mana_ai.mission_snapshots (user_id)
  WHERE lease_token IS NOT NULL;

-- One row per user with missions: the line in which users wait for a claim. queue_at is the user's
-- place in it: the earliest claimable_at or the last claim (served_at), whichever is later, so that
-- users take turns; infinity while nothing is claimable or the user's limit is reached.
-- Whoever changes claimable_at or lease_token of a user's missions holds this row's lock; locks on
-- several users are taken in the order of user_id (or not waited for).
CREATE TABLE mana_ai.user_turns (
  user_id   text        PRIMARY KEY CHECK (user_id <> ''),
  queue_at  timestamptz NOT NULL DEFAULT 'infinity',
  served_at timestamptz NOT NULL DEFAULT '-infinity'
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX user_turns_line ON mana_ai.user_turns (queue_at) WHERE queue_at < 'infinity';

-- Missions with log rows that are not folded yet. change_id null: fold the whole history.
CREATE TABLE mana_ai.mission_dirty (
  id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id    text        NOT NULL,
  mission_id text        NOT NULL,
  change_id  uuid,
  -- Set when folding failed, so that one bad mission does not hold up the others.
  not_before timestamptz NOT NULL DEFAULT '-infinity',
  failures   integer     NOT NULL DEFAULT 0
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
CREATE INDEX mission_dirty_mission ON mana_ai.mission_dirty (user_id, mission_id);

-- The runner's login sees the rows of the user it works for. The owner is not forced: its SECURITY
-- DEFINER functions are the only way to look across users.
ALTER TABLE mana_ai.mission_snapshots ENABLE ROW LEVEL SECURITY;
ALTER TABLE mana_ai.user_turns ENABLE ROW LEVEL SECURITY;
ALTER TABLE mana_ai.mission_dirty ENABLE ROW LEVEL SECURITY;
CREATE POLICY mission_snapshots_user_isolation ON mana_ai.mission_snapshots
  USING (user_id = current_setting('app.current_user_id', true))
  WITH CHECK (user_id = current_setting('app.current_user_id', true));
CREATE POLICY user_turns_user_isolation ON mana_ai.user_turns
  USING (user_id = current_setting('app.current_user_id', true))
  WITH CHECK (user_id = current_setting('app.current_user_id', true));
CREATE POLICY mission_dirty_user_isolation ON mana_ai.mission_dirty
  USING (user_id = current_setting('app.current_user_id', true));

GRANT SELECT, INSERT, UPDATE, DELETE ON mana_ai.mission_snapshots TO mana_ai_runner;
GRANT SELECT, INSERT, UPDATE, DELETE ON mana_ai.user_turns TO mana_ai_runner;
GRANT SELECT ON mana_ai.mission_dirty TO mana_ai_runner;
GRANT SELECT ON mana_ai.schema_migrations TO mana_ai_runner;
