"""Collects what a run left behind: see ledger.Facts."""

import json

from ledger import AuditRow, Call, Facts, Iteration, LeaseEvent, Snapshot, Write

_US = "(extract(epoch from {}) * 1000000)::bigint"


def collect(database, slots, record, users, counted_plans):
    facts = Facts(slots=slots, counted_plans=counted_plans, calls=list(_calls(record)))
    with database.connect() as db:
        facts.writes = [
            Write(change, user, mission, tuple(json.loads(ids)), int(tx), backend)
            for change, user, mission, ids, tx, backend in db.run("""
              select c.id, c.user_id, c.record_id, jsonb_path_query_array(c.data, '$.iterations[*].id'), w.tx, w.backend
              from public.sync_changes c join chaos.writes w on w.change_id = c.id
              where c.client_id = 'mana-ai-runner' order by c.created_at, c.id""")]
        facts.iterations = [Iteration(*row) for row in db.run("""
              select distinct on (i ->> 'id') i ->> 'id', i ->> 'overallStatus', coalesce(i ->> 'summary', '')
              from public.sync_changes c, jsonb_array_elements(c.data -> 'iterations') i
              where c.table_name = 'aiMissions' order by i ->> 'id', c.created_at, c.id""")]
        facts.lease_events = [_lease_event(row) for row in db.run(f"""
              select event, {_US.format("at")}, tx, {_US.format("tx_at")}, backend, user_id, mission_id, token, owner,
                     coalesce({_US.format("until")}, 0), coalesce({_US.format("slot_at")} / 1000, 0),
                     coalesce(crashes, 0)
              from chaos.lease_events order by at, seq""")]
        facts.audit = [AuditRow(*row[:5], int(row[5])) for row in db.run(f"""
              select user_id, mission_id, coalesce(iteration_id, ''), run_id, status,
                     {_US.format("pg_xact_commit_timestamp(xmin)")}
              from mana_ai.decrypt_audit""")]
        facts.snapshots = [
            Snapshot(user, mission, tuple(json.loads(ids)), leased == "t", hold)
            for user, mission, ids, leased, hold in db.run("""
              select user_id, mission_id, jsonb_path_query_array(record, '$.iterations[*].id'), lease_token is not null,
                     hold from mana_ai.mission_snapshots""")]
    for user in users:
        verdict = database.command("audit", "verify", "--user", user)
        facts.checked_chains += 1
        if verdict.returncode != 0:
            facts.broken_chains.append((user, (verdict.stdout + verdict.stderr).strip()))
    return facts


def _lease_event(row):
    event, at, tx, tx_at, backend, user, mission, token, owner, until, slot_ms, crashes = row
    return LeaseEvent(event, int(at), int(tx), int(tx_at), backend, user, mission, token, owner, int(until),
                      int(slot_ms), int(crashes))


def _calls(record):
    seen, outcomes = {}, {}
    with open(record, encoding="utf-8") as f:
        for line in f:
            entry = json.loads(line)
            if entry["event"] == "seen":
                seen[entry["call"]] = entry
            else:
                outcomes[entry["call"]] = entry["event"]
    for number, e in seen.items():
        yield Call(number, e["at"], e["mission"], e["slot"], tuple(e["marks"]), outcomes.get(number, "under way"))
