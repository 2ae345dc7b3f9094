"""Databases for the measurements, and what is in them."""

import os
import pathlib
import subprocess
import time
from urllib.parse import urlsplit

import libpq
from report import progress

_CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
_PASSWORDS = {f"{role}_PASSWORD": f"{role.lower()}-secret" for role in ("RUNNER", "AUTH", "MIGRATOR", "SYNC")}
_TEMPLATE = "bench_empty"

_STAMP = "to_char(now() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"


class Bench:
    """What all measurements share."""

    def __init__(self, binary, work, superuser_url, connections=6):
        self.binary = binary
        self.work = pathlib.Path(work)
        self.connections = connections
        self.shared = {}  # results that several measurements look at
        self._url = urlsplit(superuser_url)
        with self.connect("postgres") as c:
            data = c.value("show data_directory")
        self.postmaster = int(pathlib.Path(data, "postmaster.pid").read_text().split()[0])
        progress("roles and schema")
        subprocess.run(
            [_CHECKOUT / "deploy/database.sh", superuser_url, _TEMPLATE, binary],
            env=os.environ | _PASSWORDS, check=True, stdout=subprocess.DEVNULL,
        )

    def url(self, database, user="postgres"):
        password = {"mana_ai_runner": _PASSWORDS["RUNNER_PASSWORD"], "mana_sync": _PASSWORDS["SYNC_PASSWORD"]}
        secret = password.get(user, self._url.password)
        return f"postgresql://{user}:{secret}@127.0.0.1:{self._url.port}/{database}"

    def connect(self, database, user="postgres"):
        return libpq.Connection(self.url(database, user))

    def new_database(self, name, template=_TEMPLATE):
        with self.connect("postgres") as c:
            c.run(f"drop database if exists {name} with (force)")
            c.run(f"create database {name} template {template}")
        return name

    def drop(self, name):
        with self.connect("postgres") as c:
            c.run(f"drop database if exists {name} with (force)")

    def bootstrap(self, database):
        """The operator's statement that enqueues missions older than the trigger."""
        with self.connect(database) as c:
            c.run((_CHECKOUT / "deploy/sql/30_bootstrap.sql").read_text())


def settle(db, checkpoint=True):
    """Statistics and visibility as they are some time after the rows came; nothing of it left to write. Tables
    that never held anything are left alone, as autovacuum would."""
    for table in ("public.sync_changes", "mana_ai.mission_snapshots", "mana_ai.user_turns", "mana_ai.mission_dirty"):
        if db.value(f"select pg_relation_size('{table}') > 0") == "t":
            db.run(f"vacuum analyze {table}")
    if checkpoint:
        db.run("checkpoint")


# -- rows of the log ----------------------------------------------------------------------------------------------


def user_id(n):
    return f"user-{n:06d}"


_USER = "'user-' || lpad(({})::text, 6, '0')"


def add_goals(db, users):
    """Two goals for each user: `goal-<user>-1` and `-2`."""
    db.run(f"""
      insert into public.sync_changes (app_id, table_name, record_id, user_id, client_id, op, data, actor)
      select 'companion', 'companionGoals', 'goal-' || u || '-' || g, u, 'bench-browser', 'insert',
             jsonb_build_object('id', 'goal-' || u || '-' || g, 'userId', u, 'createdAt', {_STAMP},
               'updatedAt', {_STAMP}, 'title', 'Dreimal pro Woche laufen', 'status', 'active', 'currentValue', 1,
               'target', jsonb_build_object('value', 3, 'period', 'week', 'comparison', 'gte')),
             '{{"kind": "user"}}'
      from generate_series(1, {users}) n, lateral (select {_USER.format("n")} as u) x, generate_series(1, 2) g""")


def mission_json(user, mission, next_run, state="'active'"):
    """SQL expression of a mission's record; all parameters are SQL expressions."""
    return f"""jsonb_build_object('id', {mission}, 'userId', {user}, 'createdAt', {_STAMP}, 'updatedAt', {_STAMP},
      'title', 'Fit durch den Alltag', 'objective', 'Hilf mir, meine Ziele in dieser Woche zu erreichen.',
      'conceptMarkdown', 'Kleine Schritte am Morgen; höchstens drei Vorschläge je Tag.', 'state', {state},
      'inputs', jsonb_build_array(
        jsonb_build_object('module', 'goals', 'table', 'companionGoals', 'id', 'goal-' || {user} || '-1'),
        jsonb_build_object('module', 'goals', 'table', 'companionGoals', 'id', 'goal-' || {user} || '-2')),
      'iterations', '[]'::jsonb, 'cadence', '{{"kind": "daily", "atHour": 7, "atMinute": 0}}'::jsonb,
      'timeZone', 'Europe/Berlin', 'nextRunAt',
      to_char(({next_run}) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))"""


DUE = "now() - interval '1 second'"
LATER = "now() + interval '30 days'"


def add_missions(db, users, per_user, tag, next_run=DUE, state="'active'", first_user=1):
    """One insert for each mission `mission-<user>-<tag>-<n>`. Returns when it was committed."""
    db.run(f"""
      insert into public.sync_changes (app_id, table_name, record_id, user_id, client_id, op, data, actor)
      select 'ai', 'aiMissions', m, u, 'bench-browser', 'insert', {mission_json("u", "m", next_run, state)},
             '{{"kind": "user"}}'
      from generate_series({first_user}, {first_user + users - 1}) n, generate_series(1, {per_user}) k,
           lateral (select {_USER.format("n")} as u) x, lateral (select 'mission-' || u || '-{tag}-' || k as m) y""")
    return time.monotonic()


def add_rows(db, rows):
    """Inserts of any records: JSON texts {user, app, table, id, data}. Returns when they were committed."""
    db.run(f"""
      insert into public.sync_changes (app_id, table_name, record_id, user_id, client_id, op, data, actor)
      select r ->> 'app', r ->> 'table', r ->> 'id', r ->> 'user', 'bench-browser', 'insert',
             r -> 'data' || jsonb_build_object('id', r ->> 'id', 'userId', r ->> 'user'), '{{"kind": "user"}}'
      from jsonb_array_elements({libpq.quoted("[" + ",".join(rows) + "]")}::jsonb) r""")
    return time.monotonic()


def add_mission_edits(db, users, per_user, tag, edits, since=1):
    """That many further rows for each of the missions: the user changed title or objective."""
    db.run(f"""
      insert into public.sync_changes
        (app_id, table_name, record_id, user_id, client_id, op, data, field_timestamps, actor, created_at)
      select 'ai', 'aiMissions', 'mission-' || u || '-{tag}-' || k, u, 'bench-browser', 'update',
             jsonb_build_object(f, f || ' in Fassung ' || e, 'updatedAt', t), jsonb_build_object(f, t, 'updatedAt', t),
             '{{"kind": "user"}}', now() + e * interval '1 millisecond'
      from generate_series({since}, {since + edits - 1}) e, generate_series(1, {users}) n,
           generate_series(1, {per_user}) k,
           lateral (select {_USER.format("n")} as u) x,
           lateral (select (array['title', 'objective'])[1 + e % 2] as f,
             to_char((now() + e * interval '1 millisecond') at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as t) y
      """)
    return time.monotonic()


def add_other_rows(db, rows, users):
    """Rows of another app, as most of a log is."""
    db.run(f"""
      insert into public.sync_changes
        (app_id, table_name, record_id, user_id, client_id, op, data, field_timestamps, actor, created_at)
      select 'todo', 'tasks', gen_random_uuid()::text, {_USER.format(f"1 + n % {users}")}, 'bench-browser', 'insert',
             jsonb_build_object('title', 'Aufgabe Nummer ' || n, 'priority', 'medium', 'status', 'open', 'position', n),
             '{{}}', '{{"kind": "user"}}', now() - n * interval '1 second'
      from generate_series(1, {rows}) n""")


def log_rows(db):
    return int(db.number("select count(*) from public.sync_changes"))


def nothing_dirty(db):
    return db.value("select not exists (select from mana_ai.mission_dirty)") == "t"


def written_back(db):
    return int(db.number("select count(*) from public.sync_changes where client_id = 'mana-ai-runner'"))


def is_written(db, mission):
    return db.value(f"""select exists (select from public.sync_changes where table_name = 'aiMissions'
                        and record_id = '{mission}' and client_id = 'mana-ai-runner')""") == "t"
