"""(f): resident memory of the runner."""

import json
import threading
import time

import database as data
from processes import start_runner, start_standin, wait_until
from report import line, progress

_SNAPSHOTS = 100_000
_USERS, _PER_USER = 500, 4
_RUNS = _USERS * _PER_USER


def _add_snapshots(db):
    """As the refresher stores them, without a log."""
    db.run(f"""
      insert into mana_ai.user_turns (user_id, queue_at)
      select 'other-' || n, now() + interval '30 days' from generate_series(1, 1000) n;
      insert into mana_ai.mission_snapshots
        (user_id, mission_id, record, last_applied_at, last_applied_id, slot_at, claimable_at)
      select u, m, {data.mission_json("u", "m", data.LATER)}, now(), gen_random_uuid(), now() + interval '30 days',
             now() + interval '30 days'
      from generate_series(1, 1000) n, generate_series(1, {_SNAPSHOTS // 1000}) k,
           lateral (select 'other-' || n as u, 'mission-' || n || '-' || k as m) x""")


def _settled_rss(runner):
    for _ in range(20):
        runner.tick()
    time.sleep(1)
    return runner.rss_bytes()


def _in_flight(standin):
    return json.loads(standin.request("GET", "/standin/stats")[1])["inFlight"]


def f(bench, _):
    progress("f: memory")
    database = bench.new_database("bench_f")
    limits = {"LLM_MAX_IN_FLIGHT": _RUNS, "MAX_RUNS": _RUNS}
    with bench.connect(database) as db:
        with start_runner(bench, database, 9, **limits) as runner:
            idle = _settled_rss(runner)
        _add_snapshots(db)
        data.settle(db)
        with start_standin(bench, STANDIN_LATENCY_MS=8000) as standin, start_runner(
            bench, database, standin.port, **limits
        ) as runner:
            with_snapshots = _settled_rss(runner)
            data.add_goals(db, _USERS)
            data.add_missions(db, _USERS, _PER_USER, "due")
            wait_until("the snapshots are there", lambda: data.nothing_dirty(db))
            before = runner.rss_bytes()
            ticking = threading.Thread(target=runner.tick)
            ticking.start()
            wait_until("all runs wait for the LLM", lambda: _in_flight(standin) == _RUNS, 30)
            flying = runner.rss_bytes()
            ticking.join()
            after = runner.rss_bytes()
    bench.drop(database)
    mb = 1024 * 1024
    line("f-idle", "resident memory, idle on an empty database", idle / mb, "MiB")
    line("f-snapshots", f"idle with {_SNAPSHOTS} snapshots in the table", with_snapshots / mb, "MiB",
         {"what": "idle on an empty database", "value": idle / mb, "unit": "MiB"})
    line("f-run", f"per run in flight, {_RUNS} waiting for the LLM", (flying - with_snapshots) / _RUNS / 1024, "KiB",
         {"what": "resident memory idle", "value": with_snapshots / 1024, "unit": "KiB"}, in_flight_mib=flying / mb,
         before_runs_mib=before / mb, after_runs_mib=after / mb)

