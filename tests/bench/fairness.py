"""(n): how long users with one mission wait beside one with tens of thousands, and what taking turns costs."""

import time

import database as data
from processes import CpuWatch, start_runner, start_standin, wait_until
from report import line, median, percentile, progress

_GREEDY_MISSIONS = 50_000
_SINGLES = 500
_GREEDY = _SINGLES + 1  # the number of that user
_LATENCY_MS = 200
_IN_FLIGHT = 128
_WINDOW = 8  # seconds
_AHEAD = 3  # seconds until missions are due, so that all of them have snapshots by then


def _written(runner):
    return runner.metrics().total("plans_written_back_total")


def _rate(runner):
    """Plans per second from now on."""
    before, begun = _written(runner), time.monotonic()
    time.sleep(_WINDOW)
    return (_written(runner) - before) / (time.monotonic() - begun)


def _add_singles(db, tag):
    """One mission for each of the users. Returns when, by the database's clock, they are due."""
    due = db.value(f"select date_trunc('milliseconds', now() + interval '{_AHEAD} seconds')")
    data.add_missions(db, _SINGLES, 1, tag, f"timestamptz '{due}'")
    return due


def _waits_ms(db, tag, due):
    """From the due time to the committed plan, without the time that the LLM takes."""
    rows = db.run(f"""
      select extract(epoch from created_at - timestamptz '{due}') * 1000 - {_LATENCY_MS} from public.sync_changes
      where client_id = 'mana-ai-runner' and record_id like 'mission-%-{tag}-%'""")
    return [float(row[0]) for row in rows]


def _waits_of_singles(db, tag, due):
    done = f"""select count(*) = {_SINGLES} from public.sync_changes
               where client_id = 'mana-ai-runner' and record_id like 'mission-%-{tag}-%'"""
    wait_until("the plans of users with one mission", lambda: db.value(done) == "t", pause=0.5)
    waits = _waits_ms(db, tag, due)
    return {"p50": median(waits), "p99": percentile(waits, 0.99), "max": max(waits)}


def n(bench, _):
    database = bench.new_database("bench_n")
    limits = {"MAX_RUNS": _IN_FLIGHT, "MAX_RUNS_PER_USER": _IN_FLIGHT, "LLM_MAX_IN_FLIGHT": _IN_FLIGHT}
    with bench.connect(database) as db, start_standin(bench, STANDIN_LATENCY_MS=_LATENCY_MS) as standin, start_runner(
        bench, database, standin.port, TICK_ENABLED="true", **limits
    ) as runner:
        data.add_goals(db, _GREEDY)
        data.settle(db)
        progress(f"n: {_SINGLES} users with one mission, alone")
        _waits_of_singles(db, "warm", _add_singles(db, "warm"))  # opens all connections
        alone = _waits_of_singles(db, "alone", _add_singles(db, "alone"))
        progress(f"n: one user with {_GREEDY_MISSIONS} missions")
        data.add_missions(db, 1, _GREEDY_MISSIONS, "greedy", first_user=_GREEDY)
        wait_until("the snapshots are there", lambda: data.nothing_dirty(db), pause=0.5)
        data.settle(db)
        runner.wait_for("/health")  # over a new connection: the server has closed the idle one
        before = _rate(runner)
        progress("n: all of them")
        watch = CpuWatch(bench, runner=runner, standin=standin)
        due = _add_singles(db, "beside")
        time.sleep(_AHEAD)
        all_users = _rate(runner)
        beside = _waits_of_singles(db, "beside", due)
        cpu = watch.stop()
        # Around the other one: what else the machine does changes.
        one_user = (before + _rate(runner)) / 2
    bench.drop(database)
    load = f"LLM {_LATENCY_MS} ms, {_IN_FLIGHT} in flight"
    line("n-wait", f"wait of {_SINGLES} users with one due mission beside one with {_GREEDY_MISSIONS}, p99; {load}",
         beside["p99"], "ms", {"what": "the same 500 alone, p99", "value": alone["p99"], "unit": "ms"}, "ratio <= 2",
         beside["p99"] <= 2 * alone["p99"], all=beside, alone=alone, **cpu)
    line("n-rate", f"all of them, {_WINDOW} s from when the {_SINGLES} were due; {load}", all_users, "runs/s",
         {"what": "the one user's missions alone: no turns to take", "value": one_user, "unit": "runs/s"},
         "ratio >= 0.95", all_users >= 0.95 * one_user, ideal=_IN_FLIGHT * 1000 / _LATENCY_MS)
