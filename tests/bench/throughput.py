"""(a), (b), (g), (h), (p): missions per second."""

import contextlib
import os
import pathlib
import re
import subprocess
import threading
import time

import database as data
from processes import PGBENCH, CpuWatch, stage_means_ms, start_runner, start_standin, wait_until
from report import line, median, progress

_SCRIPT = pathlib.Path(__file__).with_name("mission.pgbench.sql")


class Rounds:
    """Rates of several rounds of the same load; the first one, which opens all connections, does not count."""

    def __init__(self):
        self.seconds = []
        self.detail = None
        self.last_scrapes = None  # of the metrics, before and after the last round

    def rate(self, runs):
        return runs / median(self.seconds[1:])

    def report(self, runs):
        return {"rounds": [runs / s for s in self.seconds]} | self.detail


def tick_until_done(runner, runs):
    """How many ticks it took: one, unless another replica holds the users of what is left just then."""
    plans = ticks = 0
    while plans < runs:
        report = runner.tick()
        if report["dueMissionCount"] == 0:
            raise RuntimeError(f"{plans} of {runs} plans, and nothing is due any more")
        plans += report["plansWrittenBack"]
        ticks += 1
    return ticks


def run_rounds(bench, name, users, per_user, latency_ms, rounds=4, with_refresh=False, add=None, **settings):
    """Rounds of users × per_user due missions. Timed: from the request of a tick, or with_refresh from the commit of
    the missions, to its answer, which comes when the last plan is committed. `add(db, tag)` inserts a round's missions
    and returns when they were committed; without it they have goals as their inputs."""
    runs = users * per_user
    add = add or (lambda db, tag: data.add_missions(db, users, per_user, tag))
    out = Rounds()
    database = bench.new_database(name)
    with bench.connect(database) as db, start_standin(bench, STANDIN_LATENCY_MS=latency_ms) as standin, start_runner(
        bench, database, standin.port, **settings
    ) as runner:
        data.add_goals(db, users)
        data.settle(db)
        for n in range(rounds):
            committed = add(db, f"r{n}")
            if not with_refresh:
                wait_until("the snapshots are there", lambda: data.nothing_dirty(db))
            before = runner.metrics()
            watch = CpuWatch(bench, runner=runner, standin=standin)
            begun = committed if with_refresh else time.monotonic()
            ticks = tick_until_done(runner, runs)
            out.seconds.append(time.monotonic() - begun)
            out.last_scrapes = before, runner.metrics()
            out.detail = watch.stop(runs) | {"ticks": ticks, "stage_means_ms": stage_means_ms(*out.last_scrapes)}
            if data.written_back(db) != (n + 1) * runs:
                raise RuntimeError(f"{data.written_back(db)} rows written back after {n + 1} rounds of {runs}")
        out.payload = db.run("""
            select c.data::text, c.field_timestamps::text, s.record::text
            from public.sync_changes c join mana_ai.mission_snapshots s
              on s.user_id = c.user_id and s.mission_id = c.record_id
            where c.client_id = 'mana-ai-runner' limit 1""")[0]
    bench.drop(database)
    return out


# -- a, b ---------------------------------------------------------------------------------------------------------

_USERS, _PER_USER = 50, 10
_RUNS = _USERS * _PER_USER


def pgbench_rate(bench, payload, rounds=3):
    """Missions/s of the same SQL without the runner, from snapshots that the runner made."""
    database = bench.new_database("bench_pgbench")
    rates, loads = [], []
    with bench.connect(database) as db:
        data.add_goals(db, _USERS)
        data.settle(db)
        for n in range(rounds):
            with start_runner(bench, database, 9) as runner:
                data.add_missions(db, _USERS, _PER_USER, f"r{n}")
                wait_until("the snapshots are there", lambda: data.nothing_dirty(db))
            done = data.written_back(db)
            command = [PGBENCH, "-n", "-f", _SCRIPT, "-M", "extended", "-t", str(_RUNS // bench.connections + 1)]
            command += ["-c", str(bench.connections), "-j", "2"]
            for name, value in zip(("data", "stamps", "record"), payload):
                command += ["-D", f"{name}={value}"]
            watch = CpuWatch(bench)
            answer = subprocess.run(
                command, env=os.environ | {"PGDATABASE": bench.url(database, "mana_ai_runner")},
                check=True, capture_output=True, text=True,
            )
            loads.append(watch.stop()["other_load"])  # pgbench itself counts as other load
            done = data.written_back(db) - done
            # A client that finds nothing claimable at the end makes a transaction, but no mission.
            transactions = bench.connections * (_RUNS // bench.connections + 1)
            if done < 0.95 * _RUNS:
                raise RuntimeError(f"pgbench did {done} of {_RUNS} missions: {answer.stdout} {answer.stderr}")
            rates.append(float(re.search(r"tps = ([\d.]+)", answer.stdout)[1]) * done / transactions)
            db.run("delete from mana_ai.mission_snapshots; delete from mana_ai.user_turns")
    bench.drop(database)
    return median(rates), {"reference_rounds": rates, "reference_other_load": loads}


def a_and_b(bench, wanted):
    load = f"{_RUNS} due missions of {_USERS} users"
    # Room for all of them at once: what is measured is the runner, not its limits.
    progress(f"a: {load}, 0 ms")
    at_zero = run_rounds(bench, "bench_a", _USERS, _PER_USER, 0, rounds=7)
    rate = at_zero.rate(_RUNS)
    progress("b: pgbench")
    plain, plain_rounds = pgbench_rate(bench, at_zero.payload)
    by_pgbench = f"the same SQL by pgbench, {bench.connections} connections"
    reference = {"what": by_pgbench, "value": plain, "unit": "missions/s"}
    if "a" in wanted:
        from_snapshots = "POST /internal/tick to its answer; snapshots are there"
        line("a0", f"{load}, LLM 0 ms; {from_snapshots}", rate, "missions/s", reference, **at_zero.report(_RUNS))
        refreshed = run_rounds(bench, "bench_a", _USERS, _PER_USER, 0, with_refresh=True)
        same = {"what": "the same with the snapshots there (a0)", "value": rate, "unit": "missions/s"}
        line("a0-refresh", f"{load}, LLM 0 ms; from their commit, refresh included", refreshed.rate(_RUNS),
             "missions/s", same, **refreshed.report(_RUNS))
        for latency in (50, 500):
            progress(f"a: {load}, {latency} ms")
            rounds = run_rounds(bench, "bench_a", _USERS, _PER_USER, latency)
            floor = _RUNS / (_RUNS / rate + latency / 1000)
            ideal = {"what": "a0's time plus one LLM latency", "value": floor, "unit": "missions/s"}
            line(f"a{latency}", f"{load}, LLM {latency} ms; {from_snapshots}", rounds.rate(_RUNS), "missions/s", ideal,
                 **rounds.report(_RUNS))
    if "b" in wanted:
        line("b", "(a) at 0 ms against pgbench", rate, "missions/s", reference, "ratio >= 0.5, better 0.8",
             rate / plain >= 0.5, better=rate / plain >= 0.8, other_load=at_zero.detail["other_load"], **plain_rounds)


# -- g, h ---------------------------------------------------------------------------------------------------------


def against_ideal(bench, name, users, per_user, latency_ms, in_flight, least, rounds, **settings):
    runs = users * per_user
    progress(f"{name}: {runs} runs, {latency_ms} ms, {in_flight} in flight")
    measured = run_rounds(bench, "bench_ideal", users, per_user, latency_ms, rounds, **settings)
    rate = measured.rate(runs)
    ideal = in_flight * 1000 / latency_ms
    line(name, f"{runs} runs of {users} users, LLM {latency_ms} ms, {in_flight} in flight", rate, "runs/s",
         {"what": "ideal: in flight / latency", "value": ideal, "unit": "runs/s"}, f"ratio >= {least}",
         rate / ideal >= least, **measured.report(runs))


def g(bench, _):
    limits = {"LLM_MAX_IN_FLIGHT": 2000, "MAX_RUNS": 2000}
    against_ideal(bench, "g", 500, 4, 1000, 2000, 0.8, 4, **limits)
    against_ideal(bench, "g-sustained", 500, 20, 1000, 2000, 0.8, 3, **limits | {"MAX_RUNS_PER_USER": 20})


def h(bench, _):
    limits = {"LLM_MAX_IN_FLIGHT": 64}
    against_ideal(bench, "h", 50, 10, 50, 64, 0.86, 6, **limits)
    against_ideal(bench, "h-sustained", 500, 10, 50, 64, 0.86, 3, **limits)


# -- p ------------------------------------------------------------------------------------------------------------

_REPLICA_LLM_MS, _REPLICA_IN_FLIGHT = 200, 32


def _tick_together(runners, runs):
    """All replicas tick until the plans of all of them are as many as the missions."""
    plans, problems, lock = [0], [], threading.Lock()

    def ticks(runner):
        try:
            while plans[0] < runs and not problems:
                written = runner.tick()["plansWrittenBack"]
                with lock:
                    plans[0] += written
        except Exception as e:  # the other replicas would wait for its plans
            problems.append(e)

    threads = [threading.Thread(target=ticks, args=(r,)) for r in runners]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if problems:
        raise problems[0]


def _replicas_rate(bench, replicas, users, per_user, rounds=3):
    runs = users * per_user
    seconds = []
    database = bench.new_database("bench_p")
    with contextlib.ExitStack() as stack:
        db = stack.enter_context(bench.connect(database))
        standin = stack.enter_context(start_standin(bench, STANDIN_LATENCY_MS=_REPLICA_LLM_MS))
        runners = [
            stack.enter_context(start_runner(bench, database, standin.port, MAX_RUNS=_REPLICA_IN_FLIGHT,
                                             DATABASE_CONNECTIONS=3, REPLICA_NAME=f"replica-{n}"))
            for n in range(replicas)
        ]
        data.add_goals(db, users)
        data.settle(db)
        for n in range(rounds):
            data.add_missions(db, users, per_user, f"r{n}")
            wait_until("the snapshots are there", lambda: data.nothing_dirty(db))
            watch = CpuWatch(bench, standin=standin, **{f"runner_{i}": r for i, r in enumerate(runners)})
            begun = time.monotonic()
            _tick_together(runners, runs)
            seconds.append(time.monotonic() - begun)
            detail = watch.stop(runs)
            if data.written_back(db) != (n + 1) * runs:
                raise RuntimeError(f"{data.written_back(db)} rows written back after {n + 1} rounds of {runs}")
    bench.drop(database)
    return runs / median(seconds[1:]), {"rounds": [runs / s for s in seconds]} | detail


def p(bench, _):
    for replicas in (1, 2, 4):
        runs = 500 * replicas
        progress(f"p: {replicas} replicas")
        rate, detail = _replicas_rate(bench, replicas, 50, 10 * replicas)
        ideal = replicas * _REPLICA_IN_FLIGHT * 1000 / _REPLICA_LLM_MS
        line(f"p{replicas}", f"{runs} due missions of 50 users, {replicas} replicas on one database, LLM"
             f" {_REPLICA_LLM_MS} ms, {_REPLICA_IN_FLIGHT} in flight each", rate, "missions/s",
             {"what": "ideal: replicas × in flight / latency", "value": ideal, "unit": "missions/s"}, "ratio >= 0.8",
             rate / ideal >= 0.8, **detail)
