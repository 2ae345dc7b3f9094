"""The soak: half an hour at a steady rate, while another session holds a snapshot open for most of it, so that nothing
that was deleted or replaced since can be cleaned up. What grows, and what comes back?

SOAK_MINUTES (30) is its length, SOAK_RATE (200) the missions per second, each of which is due every half minute, and
SOAK_USERS (2000) who have them. The reader is open from 1/15 to 11/15 of the time. One JSON line per sample, a line
with the verdict, and a table on stderr.
The log grows by design: it keeps every iteration.
"""

import datetime
import json
import os
import sys
import threading
import time

import database as data
from processes import CpuWatch, start_runner, start_standin, wait_until
from report import line, percentile, progress

_RATE = int(os.environ.get("SOAK_RATE", "200"))
_USERS = int(os.environ.get("SOAK_USERS", "2000"))
_MISSIONS = 30 * _RATE
_KEPT = 50  # iterations in a record: as many as a mission that has run for long has
_LLM_MS = 20
_SAMPLE_SECONDS = 30
_USER_OF = f"'user-' || lpad((1 + k % {_USERS})::text, 6, '0')"  # of mission k
_TABLES = ("mission_snapshots", "user_turns", "mission_dirty")
_MB = 1024 * 1024


class PickUps:
    """How late runs were claimed, from the runner's log: its line of a run has the slot and the time of each stage."""

    def __init__(self, log):
        self._file = open(log, encoding="utf-8")
        self._rest = ""
        self._file.seek(0, os.SEEK_END)

    def take(self):
        """Milliseconds from slot to claim of the runs that ended since the last call, and outcomes that are no plan."""
        late, others = [], 0
        text = self._rest + self._file.read()
        *lines, self._rest = text.split("\n")
        for entry in map(json.loads, filter(None, lines)):
            if entry.get("event") != "run_finished":
                continue
            others += entry["outcome"] != "planned"
            at, slot = (datetime.datetime.fromisoformat(entry[k].replace("Z", "+00:00")) for k in ("time", "slot"))
            stages = sum(entry[k] for k in ("read_ms", "audit_ms", "llm_ms", "write_ms"))
            late.append((at - slot).total_seconds() * 1000 - stages)
        return late, others


def _fill(db):
    """Missions with a full list of reviewed iterations, and goals that are reached, so that a plan has no step and
    needs no review."""
    data.add_goals(db, _USERS)
    db.run("""update public.sync_changes set data = data || '{"currentValue": 5}'
              where table_name = 'companionGoals'""")
    iterations = f"""(select jsonb_agg(jsonb_build_object('id', gen_random_uuid(), 'startedAt', t, 'finishedAt', t,
        'plan', '[]'::jsonb, 'summary', 'Regelbasierter Platzhalter-Plan (llm-standin): alle Ziele sind erreicht, daher'
        || ' keine Vorschläge.', 'overallStatus', 'approved', 'source', 'server') order by t)
      from (select to_char((now() - i * interval '1 hour' + k % 60 * interval '1 second') at time zone 'UTC',
                           'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as t from generate_series(1, {_KEPT}) i) x)"""
    db.run(f"""
      insert into public.sync_changes (app_id, table_name, record_id, user_id, client_id, op, data, actor)
      select 'ai', 'aiMissions', m, u, 'bench-browser', 'insert',
             {data.mission_json("u", "m", data.LATER)} || jsonb_build_object('iterations', {iterations}),
             '{{"kind": "user"}}'
      from generate_series(0, {_MISSIONS - 1}) k,
           lateral (select {_USER_OF} as u) y, lateral (select 'mission-' || u || '-' || k as m) z""")


class Users:
    """Who moves the next runs: every second those of the next missions, to the second after, through the log."""

    def __init__(self, bench, database):
        self._db = bench.connect(database)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        self._db.close()

    def _run(self):
        begun, second = time.monotonic(), 0
        while not self._stop.wait(max(0, begun + second - time.monotonic())):
            self._move(second * _RATE % _MISSIONS)
            second += 1

    def _move(self, first):
        self._db.run(f"""
          insert into public.sync_changes
            (app_id, table_name, record_id, user_id, client_id, op, data, field_timestamps, actor)
          select 'ai', 'aiMissions', 'mission-' || u || '-' || k, u, 'bench-browser', 'update',
                 jsonb_build_object('nextRunAt', due, 'updatedAt', stamp),
                 jsonb_build_object('nextRunAt', stamp, 'updatedAt', stamp), '{{"kind": "user"}}'
          from generate_series({first}, {first + _RATE - 1}) k,
               lateral (select {_USER_OF} as u,
                 to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as stamp,
                 to_char((now() + interval '1 second' * (1 + (k - {first})::float / {_RATE})) at time zone 'UTC',
                         'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as due) x""")


def _tables(db):
    rows = db.run(f"""
      select relname, n_live_tup, n_dead_tup, pg_relation_size(relid), pg_indexes_size(relid),
             pg_total_relation_size(relid), n_tup_upd, n_tup_hot_upd, autovacuum_count
      from pg_stat_user_tables where schemaname = 'mana_ai' and relname in ('{"', '".join(_TABLES)}')""")
    names = ("live", "dead", "heap", "indexes", "total", "updates", "hot_updates", "autovacuums")
    return {row[0]: dict(zip(names, map(int, row[1:]))) for row in rows}


def _spread(times):
    return {"p50": percentile(times, 0.5), "p99": percentile(times, 0.99), "max": max(times)}


class Sampler:
    def __init__(self, bench, db, runner, standin):
        self._bench, self._db, self._runner, self._standin = bench, db, runner, standin
        self._pick_ups = PickUps(bench.work / "runner.log")
        self._begun = self._last = time.monotonic()
        self._watch = CpuWatch(bench, runner=runner, standin=standin)
        self.samples = []

    def wait_and_take(self, reader_open):
        time.sleep(max(0, self._last + _SAMPLE_SECONDS - time.monotonic()))
        now = time.monotonic()
        late, others = self._pick_ups.take()
        sample = {
            "minute": (now - self._begun) / 60,
            "reader_open": reader_open,
            "runs_per_s": len(late) / (now - self._last),
            "not_planned": others,
            "pick_up_ms": _spread(late) if late else None,
            "runner_rss_mb": self._runner.rss_bytes() / _MB,
            "log_mb": self._db.number("select pg_total_relation_size('public.sync_changes')") / _MB,
            "tables": _tables(self._db),
        } | self._watch.stop(len(late) or None)
        self._watch = CpuWatch(self._bench, runner=self._runner, standin=self._standin)
        self._last = now
        self.samples.append(sample)
        print(json.dumps({"bench": "soak-sample"} | sample), flush=True)


def _print_table(samples):
    """The first sample, the last one with the reader open, and the last one."""
    points = [samples[0], [s for s in samples if s["reader_open"]][-1], samples[-1]]
    rows = [("minute", *(f"{s['minute']:.1f}" for s in points)),
            ("reader", *("open" if s["reader_open"] else "closed" for s in points)),
            ("runs/s", *(f"{s['runs_per_s']:.0f}" for s in points)),
            ("pick-up p50 ms", *(f"{s['pick_up_ms']['p50']:.0f}" for s in points)),
            ("pick-up p99 ms", *(f"{s['pick_up_ms']['p99']:.0f}" for s in points)),
            ("runner RSS MB", *(f"{s['runner_rss_mb']:.1f}" for s in points)),
            ("CPU ms/run, PostgreSQL", *(f"{s['cpu_ms_per_run']['postgres']:.2f}" for s in points)),
            ("CPU ms/run, runner", *(f"{s['cpu_ms_per_run']['runner']:.2f}" for s in points)),
            ("other load", *(f"{s['other_load']:.2f}" for s in points)),
            ("log MB", *(f"{s['log_mb']:.0f}" for s in points))]
    for table in _TABLES:
        stats = [s["tables"][table] for s in points]
        rows += [(f"{table}: dead rows", *(str(t["dead"]) for t in stats)),
                 (f"{table}: heap / indexes / all MB",
                  *(" / ".join(f"{t[k] / _MB:.1f}" for k in ("heap", "indexes", "total")) for t in stats)),
                 (f"{table}: HOT share of updates",
                  *(f"{t['hot_updates'] / t['updates']:.2f}" if t["updates"] else "-" for t in stats)),
                 (f"{table}: autovacuums", *(str(t["autovacuums"]) for t in stats))]
    for row in rows:
        print(f"{row[0]:42}" + "".join(f"{cell:>24}" for cell in row[1:]), file=sys.stderr, flush=True)


def _follow(sampler, reader, seconds):
    begun = time.monotonic()
    opened = closed = False
    while (share := (time.monotonic() - begun) / seconds) < 1:
        if not opened and share >= 1 / 15:
            reader.run("begin isolation level repeatable read; select count(*) from mana_ai.mission_snapshots")
            opened = True
        if opened and not closed and share >= 11 / 15:
            reader.run("commit")
            closed = True
        sampler.wait_and_take(opened and not closed)


def soak(bench, _):
    seconds = 60 * float(os.environ.get("SOAK_MINUTES", "30"))
    progress(f"soak: {_RATE:.0f} missions/s for {seconds / 60:.0f} minutes")
    database = bench.new_database("bench_soak")
    with bench.connect(database) as db, bench.connect(database) as reader, start_standin(
        bench, STANDIN_LATENCY_MS=_LLM_MS
    ) as standin:
        _fill(db)
        data.settle(db)
        with start_runner(bench, database, standin.port, TICK_ENABLED="true") as runner:
            wait_until("the snapshots are there", lambda: data.nothing_dirty(db), 300)
            with Users(bench, database):
                sampler = Sampler(bench, db, runner, standin)
                _follow(sampler, reader, seconds)
    bench.drop(database)
    samples = [s for s in sampler.samples if s["pick_up_ms"]]
    _print_table(samples)
    p99 = [s["pick_up_ms"]["p99"] for s in samples]
    worst = max(p99)
    load = f"{seconds / 60:.0f} at {_RATE:.0f} missions/s of {_USERS} users"
    line("soak", f"pick-up p99 of the worst half minute of {load}", worst, "ms",
         {"what": "the first half minute", "value": p99[0], "unit": "ms"}, "<= 1000 ms", worst <= 1000,
         not_planned=sum(s["not_planned"] for s in samples))
