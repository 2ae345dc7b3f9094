"""Which faults happen when, and their doing.

A plan is made from the seed alone, before anything runs, so that a seed gives the same faults in the same order again;
what they hit depends on the timing of that run.
"""

import collections
import dataclasses
import heapq
import random
import time

from deployment import libpq

# What goes wrong on the way to the database all the time while the storm lasts.
WEATHER = {"delay": 0.02, "delay_ms": 300, "cut": 0.001, "half_open": 0.0003, "half_open_ms": 8_000,
           "drop_after_commit": 0.02, "drop_after_statement": 0.01}
FAIR_WEATHER = {"delay": 0, "cut": 0, "half_open": 0, "drop_after_commit": 0, "drop_after_statement": 0}

_LEAVING_S = 60
_STARTED_S = 2  # a process that takes no signals yet is just ended by SIGTERM


@dataclasses.dataclass(frozen=True)
class Mix:
    """Mean seconds between two faults of a kind; None: not at all."""

    kill: float
    soft_stop: float | None = None
    suspend: float | None = None
    terminate: float | None = None
    restart: float | None = None
    silence: float | None = None


@dataclasses.dataclass(frozen=True, order=True)
class Fault:
    at_s: float
    kind: str
    dice: float  # chooses what it hits
    length_s: float = 0


def plan(seed, mix, kills, lease_s):
    """The faults in order; their last is the last kill."""
    out = []
    end_s = None
    for kind, mean_s in dataclasses.asdict(mix).items():
        if mean_s is None:
            continue
        dice = random.Random(f"{seed}:{kind}")
        at_s = 0.0
        while (len(out) < kills) if kind == "kill" else True:
            at_s += dice.uniform(0.5, 1.5) * mean_s
            if end_s is not None and at_s > end_s:
                break
            length_s = lease_s + dice.uniform(0.5, 1.5) if kind == "suspend" else 0
            out.append(Fault(at_s, kind, dice.random(), length_s))
        if kind == "kill":
            end_s = at_s
    return sorted(out)


@dataclasses.dataclass(frozen=True)
class Hit:
    """A fault that happened. `replica`: whose runs it hit; None: everybody's."""

    kind: str
    at: float  # seconds since 1970
    replica: str | None = None


class Player:
    """Carries a plan out. All replicas are up again afterwards, unless they die of themselves."""

    def __init__(self, deployment, faults):
        self.hits = []
        self.exits = collections.Counter()  # codes of replicas that ended without being killed
        self._deployment = deployment
        self._replicas = deployment.replicas
        self._turn = 0
        self._queue = []
        self._begun = time.monotonic()
        for fault in faults:
            self._at(fault.at_s, getattr(self, f"_{fault.kind}"), fault)

    def play(self):
        while self._queue:
            self._tend()
            if self._queue[0][0] > self._now():
                time.sleep(min(0.05, self._queue[0][0] - self._now()))
                continue
            _, _, action, argument = heapq.heappop(self._queue)
            action(argument)
        deadline = time.monotonic() + _LEAVING_S
        while not all(replica.available for replica in self._replicas):
            if time.monotonic() > deadline:
                raise RuntimeError("a replica that was asked to leave does not")
            self._tend()
            time.sleep(0.05)

    def _now(self):
        return time.monotonic() - self._begun

    def _at(self, when_s, action, argument=None):
        self._turn += 1
        heapq.heappush(self._queue, (when_s, self._turn, action, argument))

    def _tend(self):
        """Starts those that have gone."""
        for replica in self._replicas:
            if not replica.running:
                self.exits[replica.exit_code] += 1
                replica.start()

    def _choose(self, fault, among):
        candidates = [r for r in self._replicas if among(r)]
        return candidates[int(fault.dice * len(candidates))] if candidates else None

    def _kill(self, fault):
        victim = self._choose(fault, lambda r: r.running)
        if not victim:
            return self._at(self._now() + 0.1, self._kill, fault)
        self.hits.append(Hit("kill -9", victim.kill(), victim.name))
        victim.start()

    def _soft_stop(self, fault):
        victim = self._choose(fault, lambda r: r.available and r.age_s > _STARTED_S)
        if victim:
            self.hits.append(Hit("soft stop", victim.ask_to_leave(), victim.name))

    def _suspend(self, fault):
        victim = self._choose(fault, lambda r: r.available)
        if victim:
            victim.suspend()
            self.hits.append(Hit("SIGSTOP", time.time(), victim.name))
            self._at(self._now() + fault.length_s, self._resume, (victim, victim.name))

    def _resume(self, suspended):
        replica, name = suspended
        if replica.name == name and replica.running:
            replica.resume()

    def _terminate(self, _):
        self.hits.append(Hit("backends terminated", time.time()))
        for n in range(5):
            self._at(self._now() + n * 0.15, self._terminate_some)

    def _terminate_some(self, _):
        try:
            with self._deployment.database.connect() as db:
                db.run("""select pg_terminate_backend(pid) from pg_stat_activity
                          where usename = 'mana_ai_runner' and random() < 0.7""")
        except libpq.SqlError:
            pass  # the database is away, and with it the backends

    def _restart(self, _):
        self.hits.append(Hit("database crash", time.time()))
        self._deployment.database.crash()
        self._deployment.database.start()

    def _silence(self, fault):
        victim = self._choose(fault, lambda r: r.running)
        if victim:
            self.hits.append(Hit("all connections silent", time.time(), victim.name))
            victim.proxy.order(half_open=True)
