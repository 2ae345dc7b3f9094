"""(d), (j): from the change log to snapshots."""

import time

import database as data
from idle_tick import big_log
from processes import CpuWatch, start_runner, wait_until
from report import line, median, progress


def _timed(work):
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


# -- d: changed missions in a big log -----------------------------------------------------------------------------

_CHANGED_USERS, _CHANGED_PER_USER = 200, 5


def d(bench, _):
    missions = _CHANGED_USERS * _CHANGED_PER_USER
    database = bench.new_database("bench_d", big_log(bench))
    rates = {1: [], 10: []}
    plain = {1: [], 10: []}
    cpu = {}
    with bench.connect(database) as db, start_runner(bench, database, 9) as runner:
        runner.tick()
        since = 1
        for edits in (1, 1, 1, 1, 10, 10, 10):
            progress(f"d: {missions} missions, {edits} rows each")
            applied = runner.metrics().total("snapshot_rows_applied_total")
            watch = CpuWatch(bench, runner=runner)
            committed = data.add_mission_edits(db, _CHANGED_USERS, _CHANGED_PER_USER, "later", edits, since)
            runner.tick()  # answers when everything that was committed before is folded
            seconds = time.monotonic() - committed
            cpu[edits] = watch.stop()
            applied = runner.metrics().total("snapshot_rows_applied_total") - applied
            if applied < missions * edits or not data.nothing_dirty(db):
                raise RuntimeError(f"{applied} of {missions * edits} rows applied")
            rates[edits].append(missions * edits / seconds)
            begun = time.monotonic()
            rows = db.run(f"""
              select c.user_id, c.record_id, c.op, c.data::text, c.field_timestamps::text
              from mana_ai.mission_snapshots s join lateral (
                select * from public.sync_changes c where c.table_name = 'aiMissions' and c.record_id = s.mission_id
                order by c.created_at desc limit {edits}) c on true
              where s.mission_id in (
                select 'mission-' || u || '-later-' || k from generate_series(1, {_CHANGED_PER_USER}) k,
                  generate_series(1, {_CHANGED_USERS}) n, lateral (select 'user-' || lpad(n::text, 6, '0') as u) x)""")
            plain[edits].append(len(rows) / (time.monotonic() - begun))
            since += edits
    bench.drop(database)
    for edits in (1, 10):
        line(f"d{edits}", f"refresh of {missions} changed missions with {edits} new rows each, over 1M log rows; "
             "from their commit to everything folded", median(rates[edits]), "rows/s",
             {"what": "one SELECT of the same rows", "value": median(plain[edits]), "unit": "rows/s"},
             rounds=rates[edits], **cpu[edits])


# -- j: an installation that has a log already --------------------------------------------------------------------

_USERS, _PER_USER, _ROWS = 1000, 100, 10


def j(bench, _):
    database = bench.new_database("bench_j")
    missions = _USERS * _PER_USER
    with bench.connect(database) as db:
        progress(f"j: a log of {missions} missions with {_ROWS} rows each")
        db.run("alter table public.sync_changes disable trigger mana_ai_note_mission_change")
        data.add_missions(db, _USERS, _PER_USER, "old", data.LATER)
        data.add_mission_edits(db, _USERS, _PER_USER, "old", _ROWS - 1)
        db.run("alter table public.sync_changes enable trigger mana_ai_note_mission_change")
        data.settle(db)
        plain = _timed(lambda: db.run("""
          select count(*), count(distinct record_id), max(data ->> 'updatedAt'), sum(length(data ->> 'title')),
                 max(field_timestamps ->> 'title') from public.sync_changes"""))
        with start_runner(bench, database, 9) as runner:
            runner.tick()
            progress("j: bootstrap")
            watch = CpuWatch(bench, runner=runner)
            enqueue = _timed(lambda: bench.bootstrap(database))
            seconds = enqueue + _timed(
                lambda: wait_until("the queue is empty", lambda: data.nothing_dirty(db), 300, pause=0.05)
            )
            cpu = watch.stop()
            snapshots = int(db.number("select count(*) from mana_ai.mission_snapshots"))
        if snapshots != missions:
            raise RuntimeError(f"{snapshots} of {missions} snapshots")
    bench.shared["bootstrapped"] = database
    line("j", f"bootstrap of a log with {missions} missions of {_ROWS} rows: from enqueueing to the last snapshot",
         seconds, "s", {"what": "one query that reads all these rows", "value": plain, "unit": "s"}, "< 10 s",
         seconds < 10, enqueue_seconds=enqueue, missions_per_second=missions / seconds,
         rows_per_second=missions * _ROWS / seconds, **cpu)
