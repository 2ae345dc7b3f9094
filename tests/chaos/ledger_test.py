#!/usr/bin/env python3
"""ledger.py and recovery.py on ledgers that are made up: a right one, and one for every way to be wrong."""

import dataclasses
import unittest

import recovery
from faults import Hit, Mix, plan
from ledger import (
    AuditRow, Call, Facts, Hits, Iteration, LeaseEvent, Ledger, Snapshot, Write, figures, iteration_id,
)
from people import Slot

FIRST = Slot("anna", "m-1", 0, 1_000)
SECOND = Slot("anna", "m-1", 1, 9_000)
FAILED = Slot("ben", "m-2", 0, 1_000)
WHY = "Der Sprachmodell-Dienst war nicht erreichbar."


def id_of(slot):
    return iteration_id(slot.user, slot.mission, slot.at_ms)


def lease(slot, tx, owner, token, **end):
    """A lease from one second after its slot to two seconds after it."""
    at = (slot.at_ms + 1000) * 1000
    claimed = LeaseEvent("claimed", at, tx - 1, at, owner, slot.user, slot.mission, token, owner, 60_000_000,
                         slot.at_ms)
    end = {"event": "ended", "at": at + 1_000_000, "tx": tx, "tx_at": at + 1_000_000} | end
    return [claimed, dataclasses.replace(claimed, **end)]


def right():
    """Two slots of a mission with a grant, both planned, and one that failed visibly."""
    marks = ("MARK-m-1",)
    return Facts(
        slots=[FIRST, SECOND, FAILED],
        writes=[
            Write("row-1", "anna", "m-1", (id_of(FIRST),), 2, "a.1"),
            Write("row-2", "ben", "m-2", (id_of(FAILED),), 12, "b.1"),
            Write("row-3", "anna", "m-1", (id_of(FIRST), id_of(SECOND)), 22, "b.1"),
        ],
        iterations=[
            Iteration(id_of(FIRST), "approved", "Aufruf 1"),
            Iteration(id_of(SECOND), "awaiting-review", "Aufruf 3"),
            Iteration(id_of(FAILED), "failed", WHY),
        ],
        lease_events=[
            *lease(FIRST, 2, "a.1", "token-1"), *lease(FAILED, 12, "b.1", "token-2"),
            *lease(SECOND, 22, "b.1", "token-3"),
        ],
        calls=[
            Call(1, 2_500_000, "m-1", 0, marks, "planned"),
            Call(2, 2_500_000, "m-2", 0, (), "error"),
            Call(3, 10_500_000, "m-1", 1, marks, "planned"),
        ],
        audit=[
            AuditRow("anna", "m-1", id_of(FIRST), "token-1", "ok", 2_400_000),
            AuditRow("anna", "m-1", id_of(SECOND), "token-3", "ok", 10_400_000),
        ],
        snapshots=[
            Snapshot("anna", "m-1", (id_of(FIRST), id_of(SECOND)), False, None),
            Snapshot("ben", "m-2", (id_of(FAILED),), False, None),
        ],
        checked_chains=2,
        counted_plans={"a.1": 1, "b.1": 1},
    )


class LedgerTest(unittest.TestCase):
    def setUp(self):
        self.facts = right()

    def broken_rules(self):
        return list(Ledger(self.facts).violations)

    def change(self, what, index, **fields):
        rows = getattr(self.facts, what)
        rows[index] = dataclasses.replace(rows[index], **fields)

    def test_a_right_ledger_has_no_violation(self):
        ledger = Ledger(self.facts)
        self.assertEqual(list(ledger.report()), [])
        told = dict(figures(ledger))
        self.assertEqual((told["slots due"], told["planned once"], told["failed visibly"], told["lost"]), (3, 2, 1, 0))
        self.assertEqual(told["slots with 0 / 1 / 2 / 3 / more calls"], "0 / 3 / 0 / 0 / 0")

    def test_a_lost_slot_is_found(self):
        self.facts.slots.append(Slot("ben", "m-2", 1, 9_000))
        self.assertEqual(self.broken_rules(), ["every due slot has its iteration"])

    def test_a_second_row_for_an_iteration_is_found(self):
        self.facts.writes.insert(1, dataclasses.replace(self.facts.writes[0], change="row-1b"))
        self.assertEqual(self.broken_rules(), [ONCE])

    def test_a_second_iteration_for_a_slot_is_found(self):
        self.facts.iterations.append(Iteration("another", "approved", "Aufruf 1"))
        self.assertEqual(self.broken_rules(), ["every iteration is a due slot's"])

    def test_a_failure_without_a_reason_is_found(self):
        self.change("iterations", 2, summary="")
        self.assertEqual(self.broken_rules(), ["every iteration is planned, or failed and says why"])

    def test_the_answer_to_somebody_else_is_found(self):
        self.change("iterations", 0, summary="Aufruf 3")
        self.assertEqual(self.broken_rules(), ["every plan is the answer to a call about its mission and slot"])

    def test_a_call_for_nothing_is_found(self):
        self.facts.calls.append(Call(4, 1, "m-2", 7, (), "planned"))
        self.assertEqual(self.broken_rules(), ["every call is about a due slot"])

    def test_a_write_under_the_lease_of_another_is_found(self):
        self.change("writes", 0, backend="b.1")
        self.assertEqual(self.broken_rules(), [FENCED])

    def test_a_write_without_a_lease_is_found(self):
        self.change("writes", 0, tx=99)
        self.assertEqual(self.broken_rules(), [FENCED])

    def test_a_write_after_the_end_of_its_lease_is_found(self):
        self.change("lease_events", 1, until=2_900_000)
        self.assertEqual(self.broken_rules(), [FENCED])

    def test_two_leases_at_a_time_are_found(self):
        twice = dataclasses.replace(self.facts.lease_events[0], at=2_100_000, owner="b.1", token="token-1b")
        self.facts.lease_events.insert(1, twice)
        self.assertEqual(self.broken_rules(), ["a mission is claimed only when no lease holds it"])

    def test_a_decrypt_without_a_record_is_found(self):
        del self.facts.audit[1]
        self.assertEqual(self.broken_rules(), [AUDITED])

    def test_a_decrypt_that_was_recorded_too_late_is_found(self):
        self.change("audit", 0, committed_at=2_500_001)
        self.assertEqual(self.broken_rules(), [AUDITED])

    def test_a_record_of_another_slot_does_not_cover_a_decrypt(self):
        self.change("audit", 0, iteration=id_of(SECOND))
        self.assertEqual(self.broken_rules(), [AUDITED])

    def test_a_text_of_another_mission_is_found(self):
        self.change("calls", 0, marks=("MARK-m-1", "MARK-m-2"))
        self.assertEqual(self.broken_rules(), ["a call holds no text of another mission"])

    def test_a_record_of_another_missions_run_is_found(self):
        self.change("audit", 0, run="token-2")
        self.assertEqual(self.broken_rules(), ["no audit row is of a run that had another mission's lease"])

    def test_a_record_of_a_run_whose_claim_is_gone_is_none_of_its_faults(self):
        self.change("audit", 0, run="token-9")
        self.assertEqual(self.broken_rules(), [])
        self.assertEqual(dict(figures(Ledger(self.facts)))["  of runs whose claim a crash undid"], 1)

    def test_a_broken_chain_is_found(self):
        self.facts.broken_chains.append(("anna", "bad: row 2"))
        self.assertEqual(self.broken_rules(), ["every audit chain verifies"])

    def test_a_snapshot_without_an_iteration_is_found(self):
        self.change("snapshots", 0, iterations=(id_of(FIRST),))
        self.assertEqual(self.broken_rules(), ["every snapshot holds its mission's newest iterations"])

    def test_a_lease_or_a_hold_that_stays_is_found(self):
        for left in ({"leased": True}, {"hold": "quarantined"}):
            self.facts = right()
            self.change("snapshots", 1, **left)
            self.assertEqual(self.broken_rules(), ["at the end no mission is leased or held"])

    def test_a_plan_that_only_the_metrics_know_is_found(self):
        self.facts.counted_plans["a.1"] = 2
        self.assertEqual(self.broken_rules(), ["the runners count no plans that are not in the log"])


ONCE = "every row of a runner brings exactly one iteration that was not there before"
FENCED = "every row was written by the holder of the lease that it ends, while the lease was live"
AUDITED = "every text that reached the LLM was recorded before, for its mission and slot"


class RecoveryTest(unittest.TestCase):
    def test_a_killed_run_is_timed_until_the_next_claim(self):
        rescued = lease(FIRST, 2, "a.1", "token-1", at=5_000_000, backend="b.1", crashes=1)
        again = lease(FIRST, 4, "b.1", "token-2")
        again = [dataclasses.replace(e, at=e.at + 4_500_000) for e in again]
        hits = Hits(Ledger(Facts(slots=[FIRST], lease_events=rescued + again)))
        self.assertEqual([s.mission for s in hits.slots(2_500_000, "a.1")], ["m-1"])
        once, later = recovery.after_kills(hits, rescued + again, [Hit("kill -9", 2.5, "a.1")])
        self.assertEqual((once, later), ([4.0], []))

    def test_a_run_that_was_killed_again_is_told_apart(self):
        rescued = lease(FIRST, 2, "a.1", "token-1", at=5_000_000, crashes=2)
        hits = Hits(Ledger(Facts(slots=[FIRST], lease_events=rescued)))
        once, later = recovery.after_kills(hits, rescued, [Hit("kill -9", 2.5, "a.1")])
        self.assertEqual((once, later), ([], [float("inf")]))

    def test_a_hand_back_is_timed_from_the_end_of_the_grace(self):
        events = lease(FIRST, 2, "a.1", "token-1")
        hits = Hits(Ledger(Facts(slots=[FIRST], lease_events=events)))
        stops = [Hit("soft stop", 2.0, "a.1")]
        self.assertEqual(recovery.after_soft_stops(hits, events, stops, [], 0.5), [0.5])
        self.assertEqual(recovery.after_soft_stops(hits, events, stops, [Hit("kill -9", 2.1, "a.1")], 0.5), [])


class PlanTest(unittest.TestCase):
    def test_a_seed_gives_the_same_faults(self):
        mix = Mix(kill=1, suspend=3)
        self.assertEqual(plan("seed", mix, 20, 5), plan("seed", mix, 20, 5))
        self.assertNotEqual(plan("seed", mix, 20, 5), plan("other", mix, 20, 5))

    def test_the_kills_are_as_many_as_asked_for_and_the_last_of_all(self):
        faults = plan("seed", Mix(kill=1, suspend=3, restart=7), 20, 5)
        self.assertEqual(sum(f.kind == "kill" for f in faults), 20)
        self.assertEqual(faults[-1].kind, "kill")


if __name__ == "__main__":
    unittest.main()
