-- What the chaos run sees of leases and write-backs: triggers of the test's own, which note every change in the
-- runner's own transaction. What a transaction that fails would have done is therefore not noted either.
create schema chaos;

-- backend: the application_name of the connection; every replica has one of its own after each start.
create table chaos.lease_events (
  seq        bigint generated always as identity primary key,
  event      text not null, -- claimed, ended, quarantined, released
  at         timestamptz not null default clock_timestamp(),
  tx         bigint not null default txid_current(),
  tx_at      timestamptz not null default now(),
  backend    text not null default current_setting('application_name'),
  user_id    text not null,
  mission_id text not null,
  token      uuid,
  owner      text,
  until      timestamptz,
  slot_at    timestamptz,
  attempt    integer,
  crashes    integer
);
create table chaos.writes (
  change_id  uuid primary key,
  tx         bigint not null default txid_current(),
  backend    text not null default current_setting('application_name'),
  user_id    text not null,
  mission_id text not null
);

create function chaos.note_lease() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if old.lease_token is distinct from new.lease_token and old.lease_token is not null then
    insert into chaos.lease_events (event, user_id, mission_id, token, owner, until, slot_at, attempt, crashes)
    values ('ended', old.user_id, old.mission_id, old.lease_token, old.lease_owner, old.lease_until, old.slot_at,
            old.attempt, new.crashes);
  end if;
  if old.lease_token is distinct from new.lease_token and new.lease_token is not null then
    insert into chaos.lease_events (event, user_id, mission_id, token, owner, until, slot_at, attempt, crashes)
    values ('claimed', new.user_id, new.mission_id, new.lease_token, new.lease_owner, new.lease_until, new.slot_at,
            new.attempt, new.crashes);
  end if;
  if (old.quarantined_at is null) <> (new.quarantined_at is null) then
    insert into chaos.lease_events (event, user_id, mission_id, slot_at, crashes)
    values (case when old.quarantined_at is null then 'quarantined' else 'released' end, new.user_id, new.mission_id,
            old.slot_at, old.crashes);
  end if;
  return null;
end $$;
create trigger chaos_note_lease after update on mana_ai.mission_snapshots for each row
  when (old.lease_token is distinct from new.lease_token or old.quarantined_at is distinct from new.quarantined_at)
  execute function chaos.note_lease();

create function chaos.note_write() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into chaos.writes (change_id, user_id, mission_id) values (new.id, new.user_id, new.record_id);
  return null;
end $$;
create trigger chaos_note_write after insert on public.sync_changes for each row
  when (new.client_id = 'mana-ai-runner')
  execute function chaos.note_write();
