"""One run: a storm, then calm until everything that is due is done, then the ledger; started by run.sh."""

import argparse
import contextlib
import dataclasses
import pathlib
import secrets
import signal
import subprocess
import sys
import time

import facts
import faults
import people
import recovery
from deployment import Database, Llm, Proxy, Replica
from ledger import Hits, Ledger, figures

_PLACES = ("a", "b", "c")


@dataclasses.dataclass(frozen=True)
class Form:
    users: int
    missions: int
    pause_s: float  # mean time from the end of a mission's slot to its next one
    lease_s: float
    grace_s: float
    kills: int
    mix: faults.Mix  # of the storm
    kills_alone: int  # afterwards, in fair weather: what recovery takes
    mix_alone: faults.Mix | None
    cuts_rests: bool  # see people.Users
    patience_s: float  # after which a mission that is still waiting counts as lost


_LONG = Form(users=100, missions=2000, pause_s=30, lease_s=15, grace_s=1, kills=220,
             mix=faults.Mix(kill=1.7, soft_stop=9, suspend=25, terminate=15, restart=90, silence=30),
             kills_alone=80, mix_alone=faults.Mix(kill=2.5, soft_stop=4), cuts_rests=False,
              patience_s=300)
_SHORT = Form(users=40, missions=400, pause_s=8, lease_s=3, grace_s=0.5, kills=20,
              mix=faults.Mix(kill=1.3, soft_stop=5, suspend=8, terminate=7, restart=13, silence=9),
              kills_alone=0, mix_alone=None, cuts_rests=True, patience_s=180)


def _settings(form, llm_url, keys):
    return {
        "MANA_LLM_URL": llm_url, "MANA_AI_PRIVATE_KEY_PEM_FILE": keys / "mana-ai-private.pem",
        "LEASE_MS": int(form.lease_s * 1000), "SHUTDOWN_GRACE_MS": int(form.grace_s * 1000), "TICK_INTERVAL_MS": 5000,
        "MAX_OPEN_ITERATIONS": 1000, "MAX_ATTEMPTS": 3, "RETRY_BASE_MS": 500, "RETRY_MAX_MS": 3000,
        "LLM_CONNECT_TIMEOUT_MS": 1000, "LLM_FIRST_BYTE_TIMEOUT_MS": 1500, "LLM_TOTAL_TIMEOUT_MS": 5000,
        "LLM_MAX_ATTEMPTS": 2, "LLM_BACKOFF_BASE_MS": 100, "LLM_BACKOFF_MAX_MS": 500, "CIRCUIT_OPEN_MS": 1000,
        "AUDIT_TIMEOUT_MS": 2000, "RUNS_PER_HOUR": 0, "TOKENS_PER_DAY": 0,
    }


def progress(text):
    print(f"chaos: {text}", file=sys.stderr, flush=True)


class Deployment:
    """Everything that runs; it ends with the stack."""

    def __init__(self, stack, options, form, seed):
        log = stack.enter_context(open(options.work / "processes.log", "ab"))
        self.database = Database(options.cluster, options.superuser_url, options.binary, options.work)
        keys = options.work / "keys"
        subprocess.run([options.binary, "keygen", f"--out={keys}"], check=True, stdout=subprocess.DEVNULL)
        self.public_key = keys / "mana-ai-public.pem"
        self.llm = Llm(options.work / "llm.jsonl", seed, log)
        stack.callback(self.llm.stop)
        settings = _settings(form, self.llm.url, keys)
        self.proxies, self.replicas = [], []
        for place in _PLACES:
            proxy = Proxy(place, self.database, seed, log)
            stack.callback(proxy.stop)
            own_log = stack.enter_context(open(options.work / f"{place}.log", "ab"))
            replica = Replica(place, options.binary, proxy, settings, self.database, own_log)
            stack.callback(replica.end)
            self.proxies.append(proxy)
            self.replicas.append(replica)

    def weather(self, what):
        for proxy in self.proxies:
            proxy.order(weather=what)

    def wait_until_ready(self):
        deadline = time.monotonic() + 60
        while not all(replica.is_ready() for replica in self.replicas):
            if time.monotonic() > deadline:
                raise RuntimeError("the replicas do not become ready")
            time.sleep(0.1)

    def proxy_counts(self):
        out = {}
        for proxy in self.proxies:
            for what, n in proxy.order().items():
                out[what] = out.get(what, 0) + n
        return out


def run(options, form, seed):
    begun = time.monotonic()
    with contextlib.ExitStack() as stack:
        deployment = Deployment(stack, options, form, seed)
        with deployment.database.connect() as db:
            missions = people.add_missions(db, form.users, form.missions, 4, deployment.public_key)
        for replica in deployment.replicas:
            replica.start()
        deployment.wait_until_ready()
        users = people.Users(deployment.database, missions, form.pause_s, form.cuts_rests, seed)
        operator = people.Operator(deployment.database)
        users.start()
        operator.start()
        stack.callback(operator.stop)

        progress(f"{time.monotonic() - begun:.0f} s: storm, {form.kills} kills")
        deployment.weather(faults.WEATHER)
        storm = faults.Player(deployment, faults.plan(seed, form.mix, form.kills, form.lease_s))
        storm.play()
        deployment.weather(faults.FAIR_WEATHER)
        alone = None
        if form.kills_alone:
            progress(f"{time.monotonic() - begun:.0f} s: {form.kills_alone} kills and soft stops in fair weather")
            time.sleep(2 * form.lease_s)  # what the storm left behind is another matter
            kills = faults.plan(f"{seed}:alone", form.mix_alone, form.kills_alone, form.lease_s)
            alone = faults.Player(deployment, kills)
            alone.play()

        users.stop_planning()
        progress(f"{time.monotonic() - begun:.0f} s: calm, {users.waiting} of {len(users.slots)} slots are open")
        if not users.wait_until_done(form.patience_s):
            progress(f"{users.waiting} slots are still open after {form.patience_s:.0f} s of calm")
        counted = {replica.name: replica.plans_written() for replica in deployment.replicas if replica.running}
        last_exits = [replica.leave() for replica in deployment.replicas]
        progress(f"{time.monotonic() - begun:.0f} s: ledger")
        everybody = sorted({user for user, _ in missions})
        collected = facts.collect(deployment.database, users.slots, deployment.llm.record, everybody, counted)
        counts = deployment.proxy_counts()
    storm.exits.update(last_exits)
    return _report(Ledger(collected), form, storm, alone, counts, operator.releases)


# -- the tables ---------------------------------------------------------------------------------------------------


def _report(ledger, form, storm, alone, counts, releases):
    hits = Hits(ledger)
    print(f"{'':40}{'times':>8}{'runs hit':>10}{'planned':>9}{'failed':>8}{'lost':>6}{'doubled':>9}")
    everything = storm.hits + (alone.hits if alone else [])
    for kind in dict.fromkeys(hit.kind for hit in everything):
        _print_kind(ledger, hits, kind, [hit for hit in everything if hit.kind == kind])
    for what in ("delays", "cuts", "half_opens", "drops_after_commit", "drops_after_statement", "protocol_errors"):
        print(f"{'proxy: ' + what.replace('_', ' '):40}{counts.get(what, 0):>8}")
    print()
    for what, value in figures(ledger):
        print(f"{what:40}{value:>8}")
    print(f"{'released by an operator':40}{releases:>8}")
    print()
    for name, player in (("storm", storm), ("fair weather", alone)):
        if player:
            _print_recovery(name, ledger, hits, player, form.grace_s)
    bad_exits = {code: n for p in (storm, alone) if p for code, n in p.exits.items() if code != 0}
    if bad_exits:
        print(f"VIOLATION a replica ends only when asked, with code 0: {bad_exits}")
    for line in ledger.report():
        print(line)
    return 1 if ledger.violations or bad_exits else 0


def _print_kind(ledger, hits, kind, of_kind):
    slots = [slot for hit in of_kind for slot in hits.slots(int(hit.at * 1e6), hit.replica)]
    outcomes = [ledger.outcome(slot) for slot in slots]
    doubled = {(w.user, w.mission) for w in ledger.doubled}
    print(f"{kind:40}{len(of_kind):>8}{len(slots):>10}{outcomes.count('planned'):>9}{outcomes.count('failed'):>8}"
          f"{outcomes.count('lost'):>6}{sum((s.user, s.mission) in doubled for s in slots):>9}")


def _print_recovery(name, ledger, hits, player, grace_s):
    events = ledger.facts.lease_events
    kills = [hit for hit in player.hits if hit.kind == "kill -9"]
    once, again = recovery.after_kills(hits, events, kills)
    _print_times(f"{name}: killed runs elsewhere", once)
    _print_times(f"{name}: the same, killed again in a row", again)
    stops = [hit for hit in player.hits if hit.kind == "soft stop"]
    waits = recovery.after_soft_stops(hits, events, stops, kills, grace_s)
    _print_times(f"{name}: leases free after the grace", waits)


def _print_times(what, seconds):
    if seconds:
        ordered = sorted(seconds)
        p50, p99 = (ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in (0.5, 0.99))
        print(f"{what:40}{len(ordered):>8} runs, p50 {p50:.2f} s, p99 {p99:.2f} s, max {ordered[-1]:.2f} s")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--binary", required=True)
    arguments.add_argument("--work", required=True, type=pathlib.Path)
    arguments.add_argument("--cluster", required=True)
    arguments.add_argument("--superuser-url", required=True)
    arguments.add_argument("--seed", default="")
    arguments.add_argument("--short", action="store_true")
    options = arguments.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # leaves the context managers, which stop processes
    seed = options.seed or secrets.token_hex(4)
    print(f"seed {seed}", flush=True)
    return run(options, _SHORT if options.short else _LONG, seed)


sys.exit(main())
