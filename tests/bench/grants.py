"""(l), (m): what grants, decryption and audit cost."""

import pathlib
import subprocess

import database as data
from report import line, progress
from throughput import run_rounds

_SEALED_MISSIONS = pathlib.Path(__file__).with_name("sealed_missions.mjs")
_USERS, _PER_USER = 50, 10
_RUNS = _USERS * _PER_USER
_ROUNDS = 6


def _loader(public_key=None):
    """Adds a round's missions to the log: granted ones with sealed notes, or without a key the same in plaintext."""

    def load(db, tag):
        command = ["node", _SEALED_MISSIONS, str(_USERS), str(_PER_USER), tag]
        rows = subprocess.run(
            command + ([public_key] if public_key else []), check=True, capture_output=True, text=True
        ).stdout.splitlines()
        return data.add_rows(db, rows)

    return load


def l_and_m(bench, wanted):
    keys = bench.work / "keys"
    if not keys.exists():
        subprocess.run([bench.binary, "keygen", f"--out={keys}"], check=True, stdout=subprocess.DEVNULL)
    settings = {"MANA_AI_PRIVATE_KEY_PEM_FILE": keys / "mana-ai-private.pem"}
    load = f"{_RUNS} due missions of {_USERS} users, a note each, LLM 0 ms"

    progress(f"l: {load}, plaintext")
    plain = run_rounds(bench, "bench_l_plain", _USERS, _PER_USER, 0, _ROUNDS, add=_loader())
    progress(f"l: {load}, granted")
    granted = run_rounds(
        bench, "bench_l", _USERS, _PER_USER, 0, _ROUNDS, add=_loader(keys / "mana-ai-public.pem"), **settings
    )
    before, after = granted.last_scrapes
    counted = {name: after.total(name) - before.total(name) for name in
               ("decrypts_total", "audit_rows_total", "audit_commits_total")}
    # A run that was not granted costs less: its number would flatter.
    if counted["audit_rows_total"] != _RUNS:
        raise RuntimeError(f"{counted} in a round of {_RUNS} granted runs")
    if "l" in wanted:
        reference = {"what": "the same with plaintext notes and without grants", "value": plain.rate(_RUNS),
                     "unit": "missions/s"}
        line("l", f"{load}: sealed, granted and audited", granted.rate(_RUNS), "missions/s", reference,
             reference_rounds=plain.report(_RUNS)["rounds"], **granted.report(_RUNS), counted=counted)
    if "m" in wanted:
        one = {"what": "a commit for each run", "value": 1.0, "unit": "rows/commit"}
        line("m", f"audit rows per commit; {load}", counted["audit_rows_total"] / counted["audit_commits_total"],
             "rows/commit", one, counted=counted)
