#!/usr/bin/env python3
"""Asks a service for something of each of its targets, at a steady rate, until SIGTERM; then prints what it got.

    steady_client.py --url URL --token FILE --service-key KEY --user ID [--per-second 50]

The report is JSON: {"polls", "pushed": [event ids that were accepted], "slowest_ms", "replicas": {X-Replica: polls},
"routes": {route: polls}, "bad": [what was no 200, with route and time]}. Nothing is asked twice, so that whatever breaks
is seen.
"""
import argparse
import collections
import http.client
import json
import pathlib
import signal
import threading
import time
import uuid
from urllib.parse import urlsplit

_THREADS = 10
_TIMEOUT = 60.0


class Report:
    def __init__(self):
        self._lock = threading.Lock()
        self._replicas = collections.Counter()
        self._routes = collections.Counter()
        self._bad = []
        self._pushed = []
        self._slowest = 0.0

    def poll(self, route, seconds, replica, bad, pushed):
        with self._lock:
            self._routes[route] += 1
            self._slowest = max(self._slowest, seconds)
            if replica:
                self._replicas[replica] += 1
            if bad:
                self._bad.append({"at": round(time.time(), 3), "route": route, "what": bad})
            elif pushed:
                self._pushed.append(pushed)

    def as_json(self):
        with self._lock:
            return json.dumps({"polls": self._routes.total(), "slowest_ms": round(self._slowest * 1000),
                               "replicas": self._replicas, "routes": self._routes, "bad": self._bad,
                               "pushed": self._pushed})


class Client:
    def __init__(self, options, report, over):
        self._address = urlsplit(options.url).netloc
        self._report = report
        self._over = over
        self._connection = None
        self._pause = _THREADS / options.per_second
        user = {"Authorization": f"Bearer {options.token.read_text().strip()}"}
        self._routes = [
            ("GET", "/health", {}),
            ("GET", f"/internal/missions/{options.user}", {"X-Service-Key": options.service_key}),
            ("GET", "/api/v1/me/missions", user),
            ("GET", "/sync/ai/pull?limit=5", user),
            ("POST", "/sync/todo", user | {"Content-Type": "application/json"}),
            ("GET", "/api/v1/auth/jwks", {}),
        ]

    def run(self, first):
        next_at = time.monotonic() + self._pause * first / _THREADS
        turn = first
        while not self._over.wait(max(0.0, next_at - time.monotonic())):
            # Who comes late does not make up for it: a slow machine is not given more to do.
            next_at = max(next_at + self._pause, time.monotonic())
            self._poll(*self._routes[turn % len(self._routes)])
            turn += 1

    def _poll(self, method, path, headers):
        body = event = replica = None
        if method == "POST":
            event = str(uuid.uuid4())
            body = json.dumps({"clientId": "steady-client", "since": _now(), "changes": [
                {"table": "tasks", "id": event, "op": "insert", "data": {"id": event, "title": "Laufen"},
                 "eventId": event}]})
        begun = time.monotonic()
        try:
            if not self._connection:
                self._connection = http.client.HTTPConnection(self._address, timeout=_TIMEOUT)
            self._connection.request(method, path, body, headers)
            response = self._connection.getresponse()
            text = response.read()
            replica = response.headers.get("X-Replica")
            bad = None if response.status == 200 else f"{response.status} {text[:200].decode(errors='replace')}"
        except (OSError, http.client.HTTPException) as e:
            bad = repr(e)
            self._connection.close()
            self._connection = None
        self._report.poll(f"{method} {path.split('?')[0]}", time.monotonic() - begun, replica, bad, event)


def _now():
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--url", required=True)
    arguments.add_argument("--token", type=pathlib.Path, required=True)
    arguments.add_argument("--service-key", required=True)
    arguments.add_argument("--user", required=True)
    arguments.add_argument("--per-second", type=float, default=50)
    options = arguments.parse_args()
    report, over = Report(), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    threads = [threading.Thread(target=Client(options, report, over).run, args=(n,)) for n in range(_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(report.as_json())


main()
