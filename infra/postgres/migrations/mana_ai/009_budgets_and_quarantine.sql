-- What the claim needs to share the runners among users and to keep missions away that end them. Every
-- column has a default that a release without it can live with.

ALTER TABLE mana_ai.mission_snapshots
  -- Claims in a row that ended with their runner; any end that a planner has written starts anew.
  ADD COLUMN crashes integer NOT NULL DEFAULT 0,
  -- Not claimed from then on, whatever the record says, until an operator releases the mission.
  ADD COLUMN quarantined_at timestamptz,
  -- Of the user's tokens, by the claim that holds the lease; settled when the run ends.
  ADD COLUMN reserved_tokens bigint NOT NULL DEFAULT 0,
  -- The run in flight uses a grant that was withdrawn: whoever renews the lease learns it.
  ADD COLUMN stop_requested boolean NOT NULL DEFAULT false;

-- What users have used, in windows by the database's clock: hours and days of UTC.
ALTER TABLE mana_ai.user_turns
  ADD COLUMN hour_at timestamptz NOT NULL DEFAULT '-infinity',
  ADD COLUMN runs_in_hour integer NOT NULL DEFAULT 0,
  ADD COLUMN day_at timestamptz NOT NULL DEFAULT '-infinity',
  ADD COLUMN tokens_in_day bigint NOT NULL DEFAULT 0; -- reserved ones included

-- Users whose share differs from what the service is configured with; null: as configured, 0: no limit.
-- Operators write it, as the owner.
CREATE TABLE mana_ai.user_limits (
  user_id        text     PRIMARY KEY CHECK (user_id <> ''),
  -- So many missions are claimed in a turn where others get one.
  weight         smallint NOT NULL DEFAULT 1 CHECK (weight BETWEEN 1 AND 100),
  runs_in_flight integer  CHECK (runs_in_flight >= 0),
  runs_per_hour  integer  CHECK (runs_per_hour >= 0),
  tokens_per_day bigint   CHECK (tokens_per_day >= 0)
);
ALTER TABLE mana_ai.user_limits ENABLE ROW LEVEL SECURITY;
CREATE POLICY user_limits_user_isolation ON mana_ai.user_limits
  USING (user_id = current_setting('app.current_user_id', true));
GRANT SELECT ON mana_ai.user_limits TO mana_ai_runner;
