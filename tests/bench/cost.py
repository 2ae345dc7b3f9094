"""(i), (o): commits and write-ahead log per run."""

import time

import database as data
from processes import start_runner, start_standin, wait_until
from report import line, progress

_USERS, _PER_USER = 50, 10
_RUNS = _USERS * _PER_USER


def _statistics(db, database):
    """Exact while no runner is connected: a backend hands in its counts when it ends."""
    wait_until("the runner's sessions are over", lambda: db.number(
        "select count(*) from pg_stat_activity where usename = 'mana_ai_runner'") == 0)
    # A durable commit: pg_walinspect reads only what is flushed.
    db.run("create table if not exists bench_flush (n int); insert into bench_flush values (1)")
    # From another database: only the runner's transactions are counted.
    row = db.run(f"""select xact_commit + xact_rollback, pg_current_wal_flush_lsn(), (select wal_sync from pg_stat_wal)
                     from pg_stat_database where datname = '{database}'""")[0]
    return int(row[0]), row[1], int(row[2])


def _session(bench, database, port):
    """Two ticks: the second finds nothing."""
    with start_runner(bench, database, port) as runner:
        return [runner.tick(), runner.tick()]


def _wal(watcher, start, end):
    """Bytes by record and by full page image, and commit records, between two positions."""
    row = watcher.run(f"""
      select sum(record_length), sum(fpi_length), count(*) filter (where resource_manager = 'Transaction'
               and record_type like 'COMMIT%') from pg_get_wal_records_info('{start}', '{end}')""")[0]
    return [float(v or 0) for v in row]


def i(bench, _):
    progress("i: commits and WAL")
    database = bench.new_database("bench_i")
    # Statistics are read from another database, so that reading does not count.
    with bench.connect("postgres") as watcher, start_standin(bench) as standin:
        watcher.run("create extension if not exists pg_walinspect")
        with bench.connect(database) as db:
            data.add_goals(db, _USERS)
            with start_runner(bench, database, standin.port):
                data.add_missions(db, _USERS, _PER_USER, "due", "now() + interval '10 seconds'")
                wait_until("the snapshots are there", lambda: data.nothing_dirty(db))
            data.settle(db, checkpoint=False)  # after one, pages are logged whole
        # A session that finds nothing: what starting, ticking and stopping cost by themselves.
        before = _statistics(watcher, database)
        _session(bench, database, standin.port)
        idle = _statistics(watcher, database)
        wait_until("the missions are due", lambda: watcher.value("select now() > " + _due(bench, database)) == "t")
        idle_commits, idle_wal = idle[0] - before[0], _wal(watcher, before[1], idle[1])
        start = _statistics(watcher, database)
        reports = _session(bench, database, standin.port)
        end = _statistics(watcher, database)
        if sum(r["plansWrittenBack"] for r in reports) != _RUNS:
            raise RuntimeError(f"not {_RUNS} plans: {reports}")
        wal = _wal(watcher, start[1], end[1])
        with bench.connect(database) as db:
            stored = db.number("""
              select sum(pg_column_size(c.data) + pg_column_size(s.record))
              from public.sync_changes c join mana_ai.mission_snapshots s
                on s.user_id = c.user_id and s.mission_id = c.record_id where c.client_id = 'mana-ai-runner'""")
    bench.drop(database)
    commits = (end[0] - start[0] - idle_commits) / _RUNS
    total, images, written = [(a - b) / _RUNS for a, b in zip(wal, idle_wal)]
    plan = stored / _RUNS
    line("i-commits", f"transactions per run of {_RUNS} at once, those that only read included", commits,
         "commits/run", {"what": "a session without runs, subtracted", "value": idle_commits, "unit": "commits"},
         "<= 1.3", commits <= 1.3, commit_records_per_run=written, wal_syncs_per_run=(end[2] - start[2]) / _RUNS)
    line("i-wal", "WAL per run beside the stored plan, without full page images", total - images - plan, "bytes/run",
         {"what": "the stored plan: row of the log and snapshot", "value": plan, "unit": "bytes/run"}, "<= 2000",
         total - images - plan <= 2000, full_page_images_bytes_per_run=images, wal_bytes_per_run=total)


def _due(bench, database):
    with bench.connect(database) as db:
        return "timestamptz " + "'" + db.value("select max(claimable_at) from mana_ai.mission_snapshots") + "'"


# -- o: the same while missions become due one by one ----------------------------------------------------------------

_STEADY_SECONDS, _STEADY_RATE = 10, 50
_STEADY_RUNS = _STEADY_SECONDS * _STEADY_RATE


def _steady_session(bench, database, port, runs):
    """A runner that works by itself for as long as the missions need to become due, whether there are any or not."""
    with bench.connect(database) as db, start_runner(bench, database, port, TICK_ENABLED="true"):
        until = time.monotonic() + _STEADY_SECONDS + 3
        if runs:
            data.add_missions(db, _STEADY_RATE, _STEADY_SECONDS, "steady", f"""now() + interval '2 seconds'
                + ((k - 1) * {_STEADY_RATE} + n) * interval '1 second' / {_STEADY_RATE}""")
            wait_until("all plans are there", lambda: data.written_back(db) == runs)
        time.sleep(max(0, until - time.monotonic()))


def o(bench, _):
    progress("o: commits and WAL at a steady rate")
    database = bench.new_database("bench_o")
    with bench.connect("postgres") as watcher, start_standin(bench, STANDIN_LATENCY_MS=50) as standin:
        watcher.run("create extension if not exists pg_walinspect")
        with bench.connect(database) as db:
            data.add_goals(db, _STEADY_RATE)
            data.settle(db)
        before = _statistics(watcher, database)
        _steady_session(bench, database, standin.port, 0)
        idle = _statistics(watcher, database)
        idle_wal = _wal(watcher, before[1], idle[1])
        _steady_session(bench, database, standin.port, _STEADY_RUNS)
        end = _statistics(watcher, database)
        wal = _wal(watcher, idle[1], end[1])
        with bench.connect(database) as db:
            # The mission's own row is among them, and its snapshot is written twice: by the refresh and with the plan.
            stored = db.number("""
              select sum(pg_column_size(c.data))
                     + 2 * (select sum(pg_column_size(s.record)) from mana_ai.mission_snapshots s)
              from public.sync_changes c where c.table_name = 'aiMissions'""")
    bench.drop(database)
    total, images, written = [(a - b) / _STEADY_RUNS for a, b in zip(wal, idle_wal)]
    transactions = ((end[0] - idle[0]) - (idle[0] - before[0])) / _STEADY_RUNS
    syncs = ((end[2] - idle[2]) - (idle[2] - before[2])) / _STEADY_RUNS
    plan = stored / _STEADY_RUNS
    line("o-commits", f"commits that write, per run at {_STEADY_RATE} missions/s, one by one", written, "commits/run",
         {"what": "syncs of the log per run", "value": syncs, "unit": "syncs/run"}, transactions_per_run=transactions)
    line("o-wal", "WAL per run beside what is stored, without full page images, the mission's refresh included",
         total - images - plan, "bytes/run", {"what": "stored: rows of the log and snapshots", "value": plan,
                                              "unit": "bytes/run"}, wal_bytes_per_run=total)
