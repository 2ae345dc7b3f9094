"""(c): what a tick costs that finds nothing."""

import time

import database as data
from processes import CpuWatch, start_runner, wait_until
from report import line, median, percentile, progress

USERS = 1000
MISSIONS_PER_USER = 10
BIG_LOG = 1_000_000
BIG = "bench_big_log"


def grow_log(db, rows):
    """Up to that many rows: missions with a future, done missions, the rest other records."""
    missing = rows - data.log_rows(db)
    if missing > 0:
        data.add_other_rows(db, missing, USERS)
    data.settle(db)


def seed_missions(db, users, state="'active'", next_run=data.LATER):
    data.add_missions(db, users, MISSIONS_PER_USER // 2, "later", next_run)
    data.add_missions(db, users, MISSIONS_PER_USER // 2, "done", next_run, "'done'")


def big_log(bench):
    """A database with BIG_LOG rows of which 10,000 are missions, all in snapshots. Made once."""
    if bench.shared.get("big_log"):
        return BIG
    bench.new_database(BIG)
    with bench.connect(BIG) as db, start_runner(bench, BIG, 9):
        progress(f"a log of {BIG_LOG} rows")
        seed_missions(db, USERS)
        wait_until("the snapshots are there", lambda: data.nothing_dirty(db), 300)
        grow_log(db, BIG_LOG)
    bench.shared["big_log"] = True
    return BIG


def measure(bench, database, ticks=300):
    with start_runner(bench, database, 9) as runner:
        for _ in range(10):
            runner.tick()
        watch = CpuWatch(bench, runner=runner)
        times = []
        for _ in range(ticks):
            begun = time.monotonic()
            runner.tick()
            times.append((time.monotonic() - begun) * 1000)
        return times, watch.stop(ticks)


def c(bench, _):
    first = None
    for rows in (10_000, 100_000, BIG_LOG):
        progress(f"c: idle tick over {rows} rows")
        if rows == BIG_LOG:
            database = big_log(bench)
        else:
            database = bench.new_database("bench_c")
            with bench.connect(database) as db, start_runner(bench, database, 9):
                seed_missions(db, USERS * rows // BIG_LOG)
                wait_until("the snapshots are there", lambda: data.nothing_dirty(db))
                grow_log(db, rows)
        times, cpu = measure(bench, database)
        value = median(times)
        first = first or value
        flat = value <= max(1.5 * first, first + 1)
        line(f"c{rows // 1000}k", f"idle tick over {rows} log rows, median of {len(times)}", value, "ms",
             {"what": "the same over 10,000 rows", "value": first, "unit": "ms"}, "< 5 ms, and not above 1.5 of 10k",
             value < 5 and flat, p99_ms=percentile(times, 0.99), **cpu)
    bench.drop("bench_c")
