"""The people around the service: users, who give every mission a new slot some seconds ahead as soon as the previous
one is over, and an operator, who releases missions from quarantine."""

import collections
import concurrent.futures
import dataclasses
import json
import random
import subprocess
import threading
import time
import uuid

from deployment import CHECKOUT, libpq

_CADENCE_MS = 24 * 3600 * 1000  # of the missions: what the runner itself plans next is far away


@dataclasses.dataclass(frozen=True)
class Slot:
    user: str
    mission: str
    number: int
    at_ms: int


_WRITE_SLOTS = """
  insert into public.sync_changes (id, app_id, table_name, record_id, user_id, client_id, op, data, field_timestamps,
                                   actor)
  select (s ->> 'change')::uuid, 'ai', 'aiMissions', s ->> 'mission', s ->> 'user', 'chaos-user', 'update', data,
         (select jsonb_object_agg(field, stamp) from jsonb_object_keys(data) field), '{{"kind": "user"}}'
  from jsonb_array_elements({slots}::jsonb) s,
       lateral (select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as stamp) t,
       lateral (select jsonb_build_object('title', s ->> 'title', 'nextRunAt', s ->> 'at', 'updatedAt', stamp)) d (data)
  on conflict (id) do nothing"""

# Like any change of a mission's time under the lock of its user, who joins the line again.
_CUT_RESTS = """
  with users as materialized (
    select t.user_id from mana_ai.user_turns t
    where exists (select from mana_ai.mission_snapshots s
                  where s.user_id = t.user_id and s.crashes > 1 and s.claimable_at > clock_timestamp())
    order by t.user_id for update),
  woken as (
    update mana_ai.mission_snapshots s set claimable_at = greatest(s.slot_at, clock_timestamp()) from users u
    where s.user_id = u.user_id and s.crashes > 1 and s.claimable_at > clock_timestamp())
  update mana_ai.user_turns t set queue_at = least(t.queue_at, clock_timestamp()) from users u
  where t.user_id = u.user_id"""


def add_missions(db, users, missions, every_nth_granted, public_key):
    """Their (user, mission), in the log and without a slot."""
    rows = subprocess.run(
        ["node", CHECKOUT / "tests/chaos/missions.mjs", str(users), str(missions), str(every_nth_granted), public_key],
        check=True, capture_output=True, text=True).stdout.splitlines()
    db.run(f"""
      insert into public.sync_changes (app_id, table_name, record_id, user_id, client_id, op, data, actor)
      select r ->> 'app', r ->> 'table', r ->> 'id', r ->> 'user', 'chaos-user', 'insert',
             r -> 'data' || jsonb_build_object('id', r ->> 'id', 'userId', r ->> 'user'), '{{"kind": "user"}}'
      from jsonb_array_elements({libpq.quoted("[" + ",".join(rows) + "]")}::jsonb) r""")
    parsed = map(json.loads, rows)
    return [(row["user"], row["id"]) for row in parsed if row["table"] == "aiMissions"]


class Operator(threading.Thread):
    """Releases what is quarantined, with the command that operators have, several at a time."""

    def __init__(self, database):
        super().__init__(daemon=True)
        self.releases = 0
        self._database = database
        self._over = threading.Event()

    def run(self):
        with concurrent.futures.ThreadPoolExecutor(4) as commands:
            while not self._over.wait(0.5):
                self.releases += sum(commands.map(self._release, self._quarantined()))

    def stop(self):
        self._over.set()
        self.join()

    def _quarantined(self):
        try:
            with self._database.connect() as db:
                return db.run("select user_id, mission_id from mana_ai.mission_snapshots"
                              " where quarantined_at is not null limit 20")
        except libpq.SqlError:
            return []  # the database is away

    def _release(self, mission):
        user, id_ = mission
        return self._database.command("missions", "release", "--user", user, "--mission", id_).returncode == 0


class Users(threading.Thread):
    """Write slots until told to stop, then wait for those that are due to end. The database may be away at any time;
    what was written in doubt is written again.

    cuts_rests: at the end missions that rest after several crashes in a row are woken instead of waited for."""

    def __init__(self, database, missions, mean_pause_s, cuts_rests, seed):
        super().__init__(daemon=True)
        self.slots = []  # all that are in the log
        self._database = database
        self._pause_s = mean_pause_s
        self._cuts_rests = cuts_rests
        self._seed = seed
        self._random = random.Random(f"{seed}:users")
        self._open = {}  # (user, mission) -> its slot that is not over
        self._idle = collections.deque(missions)
        self._numbers = collections.Counter()
        self._planning = threading.Event()
        self._planning.set()
        self._over = threading.Event()
        self._db = None

    @property
    def waiting(self):
        return len(self._open)

    def stop_planning(self):
        self._planning.clear()

    def wait_until_done(self, seconds):
        """Whether every slot is over."""
        return self._over.wait(seconds)

    def run(self):
        while not self._over.is_set():
            try:
                self._db = self._db or self._database.connect()
                self._look()
                if self._planning.is_set():
                    self._plan()
                elif not self._open:
                    self._over.set()
                elif self._cuts_rests:
                    self._db.run(_CUT_RESTS)
            except libpq.SqlError:
                if self._db:
                    self._db.close()
                self._db = None
            time.sleep(0.25)

    def _look(self):
        rows = self._db.run("""
          select user_id, mission_id, (extract(epoch from slot_at) * 1000)::bigint, quarantined_at is not null
          from mana_ai.mission_snapshots""")
        for user, mission, slot_ms, quarantined in rows:
            slot = self._open.get((user, mission))
            if slot and slot_ms and int(slot_ms) == slot.at_ms + _CADENCE_MS and quarantined == "f":
                del self._open[user, mission]
                self._idle.append((user, mission))

    def _plan(self):
        now_ms = time.time_ns() // 1_000_000
        slots = []
        for user, mission in self._idle:
            ahead_ms = self._random.randrange(500, int(2000 * self._pause_s))
            slots.append(Slot(user, mission, self._numbers[mission], now_ms + ahead_ms))
        if not slots:
            return
        self._write(slots)
        for slot in slots:
            self._numbers[slot.mission] += 1
            self._open[slot.user, slot.mission] = slot
        self._idle.clear()
        self.slots += slots

    def _write(self, slots):
        rows = json.dumps([self._row(slot) for slot in slots])
        while True:
            try:
                return self._db.run(_WRITE_SLOTS.format(slots=libpq.quoted(rows)))
            except libpq.SqlError:
                time.sleep(0.25)
                self._reconnect()

    def _reconnect(self):
        self._db.close()
        while True:
            try:
                self._db = self._database.connect()
                return
            except libpq.SqlError:
                time.sleep(0.25)

    def _row(self, slot):
        seconds, ms = divmod(slot.at_ms, 1000)
        at = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{ms:03d}Z"
        change = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self._seed}:{slot.mission}:{slot.number}"))
        return {"change": change, "user": slot.user, "mission": slot.mission, "at": at,
                "title": f"Mission {slot.mission} Slot {slot.number}"}
