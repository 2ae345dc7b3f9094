"""Judges a run by what it left behind: the change log, the snapshots, the audit, the LLM's record.

Everything here is a function of Facts; facts.py collects them. A violation is a text; a run without one is right.
"""

import collections
import dataclasses
import hashlib
import uuid

_ITERATION_NAMESPACE = bytes.fromhex("6f0d1a529b3c4e77a8215dc4903eb716")
_SHORTEST_EXPLANATION = 20  # of a failed iteration, in characters
_KEPT_ITERATIONS = 20  # so many of the newest are in a snapshot, at least
_SHOWN_PER_RULE = 5


def iteration_id(user, mission, slot_ms):
    """The id that the one iteration of a slot has."""
    name = _ITERATION_NAMESPACE
    for part in (user, mission):
        name += len(part.encode()).to_bytes(8, "big") + part.encode()
    return str(uuid.UUID(bytes=hashlib.sha1(name + slot_ms.to_bytes(8, "big")).digest()[:16], version=5))


@dataclasses.dataclass(frozen=True)
class Write:
    """A row that a runner wrote, in the order of the log."""

    change: str
    user: str
    mission: str
    iterations: tuple  # ids
    tx: int
    backend: str


@dataclasses.dataclass(frozen=True)
class Iteration:
    """As the first row that holds it has it."""

    id: str
    status: str
    summary: str


@dataclasses.dataclass(frozen=True)
class LeaseEvent:
    """Of witness.sql; times in microseconds since 1970."""

    event: str
    at: int
    tx: int
    tx_at: int
    backend: str
    user: str
    mission: str
    token: str | None = None
    owner: str | None = None
    until: int = 0
    slot_ms: int = 0
    crashes: int = 0


@dataclasses.dataclass(frozen=True)
class Call:
    number: int
    at: int
    mission: str | None
    slot: int | None
    marks: tuple
    outcome: str


@dataclasses.dataclass(frozen=True)
class AuditRow:
    user: str
    mission: str
    iteration: str
    run: str  # the lease's token
    status: str
    committed_at: int


@dataclasses.dataclass(frozen=True)
class Snapshot:
    user: str
    mission: str
    iterations: tuple
    leased: bool
    hold: str | None


@dataclasses.dataclass
class Facts:
    slots: list = dataclasses.field(default_factory=list)
    writes: list = dataclasses.field(default_factory=list)
    iterations: list = dataclasses.field(default_factory=list)
    lease_events: list = dataclasses.field(default_factory=list)
    calls: list = dataclasses.field(default_factory=list)
    audit: list = dataclasses.field(default_factory=list)
    snapshots: list = dataclasses.field(default_factory=list)
    broken_chains: list = dataclasses.field(default_factory=list)  # (user, what the verification said)
    checked_chains: int = 0
    counted_plans: dict = dataclasses.field(default_factory=dict)  # runner -> plans written, by its own metric


class Ledger:
    """Facts with their indexes, and what was found."""

    def __init__(self, facts):
        self.facts = facts
        self.violations = collections.defaultdict(list)
        self.slot_of = {iteration_id(s.user, s.mission, s.at_ms): s for s in facts.slots}
        self.iteration_of = {}
        for i in facts.iterations:
            if i.id in self.slot_of:
                self.iteration_of[self.slot_of[i.id]] = i
        self.lost = [s for s in facts.slots if s not in self.iteration_of]
        self.doubled = []
        self.call = {c.number: c for c in facts.calls}
        for rule in _RULES:
            for found in rule(self):
                self.violations[rule.__doc__.rstrip(".")].append(found)

    def outcome(self, slot):
        iteration = self.iteration_of.get(slot)
        if iteration is None:
            return "lost"
        return "failed" if iteration.status == "failed" else "planned"

    def report(self):
        """Violations as lines."""
        for rule, found in self.violations.items():
            yield f"VIOLATION {rule}: {len(found)}"
            yield from (f"    {text}" for text in found[:_SHOWN_PER_RULE])


# -- the rules: each yields what violates it ----------------------------------------------------------------------


def no_slot_is_lost(ledger):
    """every due slot has its iteration"""
    for s in ledger.lost:
        yield f"{s.user}/{s.mission} slot {s.number}"


def no_slot_is_doubled(ledger):
    """every row of a runner brings exactly one iteration that was not there before"""
    known = collections.defaultdict(set)
    for w in ledger.facts.writes:
        new = set(w.iterations) - known[w.user, w.mission]
        known[w.user, w.mission] |= new
        if len(new) != 1:
            ledger.doubled.append(w)
            yield f"{w.user}/{w.mission}: row {w.change} brings {len(new)}"


def no_iteration_without_a_slot(ledger):
    """every iteration is a due slot's"""
    for i in ledger.facts.iterations:
        if i.id not in ledger.slot_of:
            yield f"{i.id} ({i.status})"


def failures_are_visible(ledger):
    """every iteration is planned, or failed and says why"""
    for i in ledger.facts.iterations:
        explained = i.status == "failed" and len(i.summary) >= _SHORTEST_EXPLANATION
        if i.status not in ("approved", "awaiting-review") and not explained:
            yield f"{i.id}: {i.status}, «{i.summary}»"


def plans_come_from_their_own_calls(ledger):
    """every plan is the answer to a call about its mission and slot"""
    for slot, i in ledger.iteration_of.items():
        if i.status == "failed":
            continue
        number = i.summary.removeprefix("Aufruf ")
        call = ledger.call.get(int(number)) if number.isdigit() else None
        if call is None or (call.mission, call.slot, call.outcome) != (slot.mission, slot.number, "planned"):
            yield f"{slot.user}/{slot.mission} slot {slot.number}: «{i.summary}», {call}"


def calls_are_about_slots(ledger):
    """every call is about a due slot"""
    known = {(s.mission, s.number) for s in ledger.facts.slots}
    for c in ledger.facts.calls:
        if (c.mission, c.slot) not in known:
            yield f"call {c.number}: {c.mission} slot {c.slot}"


def writes_are_fenced(ledger):
    """every row was written by the holder of the lease that it ends, while the lease was live"""
    ended = collections.defaultdict(list)
    for e in ledger.facts.lease_events:
        if e.event == "ended":
            ended[e.tx, e.user, e.mission].append(e)
    for w in ledger.facts.writes:
        leases = ended[w.tx, w.user, w.mission]
        if len(leases) != 1:
            yield f"{w.user}/{w.mission}: {w.backend} ended {len(leases)} leases with row {w.change}"
        elif leases[0].owner != w.backend:
            yield f"{w.user}/{w.mission}: {w.backend} wrote under the lease of {leases[0].owner}"
        elif leases[0].until <= leases[0].tx_at:
            late_ms = (leases[0].tx_at - leases[0].until) // 1000
            yield f"{w.user}/{w.mission}: {w.backend} began to write {late_ms} ms after its lease"


def one_lease_at_a_time(ledger):
    """a mission is claimed only when no lease holds it"""
    held = {}
    for e in ledger.facts.lease_events:
        key = e.user, e.mission
        if e.event == "claimed":
            if key in held:
                yield f"{e.user}/{e.mission}: claimed by {e.owner} while {held[key].owner} held it"
            held[key] = e
        elif e.event == "ended" and held.get(key) and held[key].token == e.token:
            del held[key]


def decrypts_are_audited(ledger):
    """every text that reached the LLM was recorded before, for its mission and slot"""
    first = {}
    for a in ledger.facts.audit:
        if a.status == "ok":
            first[a.iteration] = min(a.committed_at, first.get(a.iteration, a.committed_at))
    slots = {(s.mission, s.number): s for s in ledger.facts.slots}
    for c in ledger.facts.calls:
        if not c.marks:
            continue
        slot = slots.get((c.mission, c.slot))
        at = first.get(iteration_id(slot.user, slot.mission, slot.at_ms)) if slot else None
        if at is None or at > c.at:
            yield f"call {c.number} about {c.mission} slot {c.slot}: {'no row' if at is None else 'recorded later'}"


def texts_reach_their_own_mission(ledger):
    """a call holds no text of another mission"""
    for c in ledger.facts.calls:
        foreign = set(c.marks) - {f"MARK-{c.mission}"}
        if foreign:
            yield f"call {c.number} about {c.mission}: {sorted(foreign)}"


def audit_belongs_to_leases(ledger):
    """no audit row is of a run that had another mission's lease"""
    # A crash of the database may undo the claim of a run that is under way: its lease is not known then.
    leases = _missions_of_leases(ledger)
    for a in ledger.facts.audit:
        if leases.get(a.run, (a.user, a.mission)) != (a.user, a.mission):
            yield f"{a.user}/{a.mission}: run {a.run}"


def chains_are_whole(ledger):
    """every audit chain verifies"""
    for user, verdict in ledger.facts.broken_chains:
        yield f"{user}: {verdict}"


def snapshots_agree_with_the_log(ledger):
    """every snapshot holds its mission's newest iterations"""
    newest = collections.defaultdict(list)
    known = set()
    for w in ledger.facts.writes:
        for i in w.iterations:
            if i not in known:
                known.add(i)
                newest[w.user, w.mission].append(i)
    for s in ledger.facts.snapshots:
        missing = set(newest[s.user, s.mission][-_KEPT_ITERATIONS:]) - set(s.iterations)
        if missing:
            yield f"{s.user}/{s.mission}: {len(missing)} are missing"


def nothing_is_left_behind(ledger):
    """at the end no mission is leased or held"""
    for s in ledger.facts.snapshots:
        if s.leased or s.hold:
            yield f"{s.user}/{s.mission}: {s.hold or 'leased'}"


def metrics_agree_with_the_log(ledger):
    """the runners count no plans that are not in the log"""
    counted = sum(ledger.facts.counted_plans.values())
    planned = sum(i.status != "failed" for i in ledger.iteration_of.values())
    if counted > planned:
        yield f"{counted} counted since the last starts, {planned} in the log"


_RULES = [
    no_slot_is_lost, no_slot_is_doubled, no_iteration_without_a_slot, failures_are_visible,
    plans_come_from_their_own_calls, calls_are_about_slots, writes_are_fenced, one_lease_at_a_time,
    decrypts_are_audited, texts_reach_their_own_mission, audit_belongs_to_leases, chains_are_whole,
    snapshots_agree_with_the_log, nothing_is_left_behind, metrics_agree_with_the_log,
]


def _missions_of_leases(ledger):
    return {e.token: (e.user, e.mission) for e in ledger.facts.lease_events if e.event == "claimed"}


# -- figures ------------------------------------------------------------------------------------------------------


def figures(ledger):
    """(what, value) lines on the whole run."""
    facts = ledger.facts
    outcomes = collections.Counter(map(ledger.outcome, facts.slots))
    events = collections.Counter(e.event for e in facts.lease_events)
    yield "slots due", len(facts.slots)
    yield "planned once", outcomes["planned"]
    yield "failed visibly", outcomes["failed"]
    yield "lost", len(ledger.lost)
    yield "doubled", len(ledger.doubled)
    yield "claims", events["claimed"]
    yield "quarantines", events["quarantined"]
    per_slot = collections.Counter((c.mission, c.slot) for c in facts.calls)
    spread = collections.Counter(min(per_slot[s.mission, s.number], 4) for s in facts.slots)
    yield "LLM calls", len(facts.calls)
    for outcome, n in sorted(collections.Counter(c.outcome for c in facts.calls).items()):
        yield f"  {outcome}", n
    yield "slots with 0 / 1 / 2 / 3 / more calls", " / ".join(str(spread[n]) for n in range(5))
    yield "most calls for a slot", max(per_slot.values(), default=0)
    over = _when_slots_were_over(ledger)
    yield "calls about a slot that was over", sum(c.at > over.get((c.mission, c.slot), c.at) for c in facts.calls)
    yield "calls with a decrypted text", sum(1 for c in facts.calls if c.marks)
    leases = _missions_of_leases(ledger)
    yield "audit rows", len(facts.audit)
    yield "  of runs whose claim a crash undid", sum(a.run not in leases for a in facts.audit)
    yield "audit chains verified", facts.checked_chains


def _when_slots_were_over(ledger):
    ends = {(e.tx, e.user, e.mission): e.at for e in ledger.facts.lease_events if e.event == "ended"}
    out = {}
    for w in ledger.facts.writes:
        for slot in (ledger.slot_of.get(i) for i in w.iterations):
            if slot:
                out.setdefault((slot.mission, slot.number), ends.get((w.tx, w.user, w.mission), float("inf")))
    return out


class Hits:
    """Which slots were being run when something happened."""

    def __init__(self, ledger):
        self._ledger = ledger
        self._slot_at = {(s.user, s.mission, s.at_ms): s for s in ledger.facts.slots}
        ends = {e.token: e.at for e in ledger.facts.lease_events if e.event == "ended"}
        self._leases = [(e.at, ends.get(e.token, float("inf")), e) for e in ledger.facts.lease_events
                        if e.event == "claimed"]

    def leases(self, at, runner=None):
        """The leases of that moment, of one runner or of all."""
        return [e for begun, ended, e in self._leases if begun <= at < ended and runner in (None, e.owner)]

    def slots(self, at, runner=None):
        found = (self._slot_at.get((e.user, e.mission, e.slot_ms)) for e in self.leases(at, runner))
        return [slot for slot in found if slot]
