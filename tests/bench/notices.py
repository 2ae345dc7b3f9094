"""(r): what the notices of the sync target cost those who write to the log."""

import os
import pathlib
import re
import subprocess

from processes import PGBENCH
from report import line, median, progress

_SCRIPT = pathlib.Path(__file__).with_name("insert.pgbench.sql")
_CLIENTS = 8
_SECONDS = 3
_ROUNDS = 3
_TRIGGER = "alter table public.sync_changes {} trigger mana_sync_note_changes"
_CASES = {
    "without": _TRIGGER.format("disable"),
    "nobody": _TRIGGER.format("enable") + "; delete from mana_sync.watchers",
    "everybody": _TRIGGER.format("enable") + "; select mana_sync.watch_everybody()",
}


def r(bench, _):
    progress("r: rows/s with and without notices")
    database = bench.new_database("bench_r")
    rates = {case: [] for case in _CASES}
    command = [PGBENCH, "-n", "-f", _SCRIPT, "-c", str(_CLIENTS), "-j", "2", "-T", str(_SECONDS)]
    with bench.connect(database) as db:
        for case in list(_CASES) * _ROUNDS:
            db.run(_CASES[case])
            answer = subprocess.run(
                command, env=os.environ | {"PGDATABASE": bench.url(database)}, check=True, capture_output=True, text=True
            )
            rates[case].append(float(re.search(r"tps = ([\d.]+)", answer.stdout)[1]))
    bench.drop(database)
    nobody, without, everybody = (median(rates[case]) for case in ("nobody", "without", "everybody"))
    line("r", f"rows/s of {_CLIENTS} clients that commit one at a time, nobody listening", nobody, "rows/s",
         {"what": "the same without the notices' trigger", "value": without, "unit": "rows/s"}, "ratio >= 0.8",
         nobody >= 0.8 * without, everybody_listening=everybody, rounds=rates)
