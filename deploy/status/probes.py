"""What Prometheus knows of the probes, as the plain data of status.json. Unknown is never up.

  {generatedAt, overall, source: {ok, error}, groups: [{name, services: [service]}], notShown}
  service: {name, instance, status: up|down|unknown, why, checkedAt, ageSeconds, lastStatus, durationSeconds,
            availability24h, history: [0..1 or null, oldest first]}

Times are UTC text, or null. `why` says in words why a service is not up.
"""

import datetime
import http.client
import json
import math
import time
import urllib.error
import urllib.parse
import urllib.request

GROUPS = {"blackbox-internal": "Internal"}
RUNNER = "Mana AI Runner"  # shown even while nobody probes it
# By the label `target`, as deploy/prometheus sets it.
NAMES = {"runner": RUNNER, "auth": "Mana AI Auth", "sync": "Mana AI Sync", "web": "Mana AI Web"}
# Where probes have no such label: by a part of the URL, or by the service's own port.
RUNNER_HOST, RUNNER_PORT = "mana-ai", 3067

SLOT_SECONDS = 15 * 60
SLOTS = 24 * 3600 // SLOT_SECONDS
MOST_BYTES = 4 * 1024 * 1024
MOST_SERVICES = 50
NEVER_FRESH = -1.0  # an age limit that no check keeps


class Unavailable(Exception):
    """Prometheus gave no usable answer; the text says why."""


class Prometheus:
    """The HTTP API. All answers together have `timeout` seconds from the first question on."""

    def __init__(self, url, timeout):
        self.url, self.timeout, self.deadline = url.rstrip("/"), timeout, None

    def ask(self, path, **parameters):
        """The list `result`, whatever is in it."""
        if self.deadline is None:
            self.deadline = time.monotonic() + self.timeout
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
                raise Unavailable("its URL must begin with http:// or https://")
            with urllib.request.urlopen(url, timeout=self.left()) as answer:
                body = self.read(answer)
            result = json.loads(body)["data"]["result"]
        except urllib.error.HTTPError as error:
            raise Unavailable(f"it answered with status {error.code}") from error
        except (TimeoutError, urllib.error.URLError) as error:
            reason = getattr(error, "reason", error)
            late = isinstance(reason, TimeoutError)
            raise Unavailable("it did not answer in time" if late else "it could not be reached") from error
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable("the connection to it broke") from error
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise Unavailable("its answer could not be read") from error
        if not isinstance(result, list):
            raise Unavailable("its answer could not be read")
        return result

    def left(self):
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def read(self, answer):
        """In pieces: a socket's timeout is for each of them, the deadline for all."""
        body = b""
        while piece := answer.read1(65536):
            body += piece
            if len(body) > MOST_BYTES:
                raise Unavailable("its answer is too large")
            self.left()
        return body


def finite(text):
    """A number, or None for what is none: NaN, infinities, other types."""
    try:
        value = float(text)
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None


def labels_of(series):
    metric = series.get("metric") if isinstance(series, dict) else None
    if not isinstance(metric, dict):
        return {}
    # JSON can spell halves of characters, which no file can hold.
    return {name: str(value).encode("utf-8", "replace").decode() for name, value in metric.items()}


def probe_of(series):
    """What tells one probe from the others: the pair (target, instance)."""
    labels = labels_of(series)
    return labels.get("target", ""), labels.get("instance", "")


def instant(result):
    """The values of an instant query by probe; of several series of one probe the least counts."""
    out = {}
    for series in result:
        value = series.get("value") if isinstance(series, dict) else None
        number = finite(value[1]) if isinstance(value, list) and len(value) == 2 else None
        if number is not None:
            probe = probe_of(series)
            out[probe] = min(number, out.get(probe, number))
    return out


def histories(result, end):
    """For each probe the availability of the slots before `end`, oldest first; None where nothing was probed."""
    out = {}
    for series in result:
        slots = out.setdefault(probe_of(series), [None] * SLOTS)
        values = series.get("values") if isinstance(series, dict) else None
        for pair in values if isinstance(values, list) else []:
            if not isinstance(pair, list) or len(pair) != 2:
                continue
            at, value = finite(pair[0]), finite(pair[1])
            if at is None or value is None:
                continue
            slot = SLOTS - 1 - round((end - at) / SLOT_SECONDS)
            if 0 <= slot < SLOTS:
                slots[slot] = min(1.0, max(0.0, value))
    return out


def name_of(target, instance):
    """The name that people know a probed service by; else what is probed."""
    if target in NAMES:
        return NAMES[target]
    try:
        url = urllib.parse.urlsplit(instance if "//" in instance else f"//{instance}")
        is_runner = RUNNER_HOST in (url.hostname or "") or url.port == RUNNER_PORT
    except ValueError:
        is_runner = False
    return RUNNER if is_runner else target or instance or "unnamed"


def utc(seconds):
    try:
        moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    except (OverflowError, OSError, ValueError, TypeError):
        return None
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_of(text):
    """The reverse of utc; None for anything else."""
    try:
        return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc).timestamp()
    except (TypeError, ValueError):
        return None


def known_before(previous):
    """The last probe of each service that an earlier page knew of: name, instance -> (status, when)."""
    out = {}
    groups = previous.get("groups")
    for group in groups if isinstance(groups, list) else []:
        services = group.get("services") if isinstance(group, dict) else None
        for service in services if isinstance(services, list) else []:
            if not isinstance(service, dict):
                continue
            key = (service.get("name"), service.get("instance"))
            at = seconds_of(service.get("checkedAt"))
            if all(isinstance(part, str) for part in key) and at and service.get("lastStatus") in ("up", "down"):
                out[key] = (service["lastStatus"], at)
    return out


def service(name, instance, value, checked_at, now, stale, missing):
    """One service without its history. `missing`: why there is no probe, if there is none."""
    last = None if value is None else "up" if value == 1 else "down"
    age = None if checked_at is None else abs(now - checked_at)
    if last is None:
        status, why = "unknown", missing
    elif age is None or age > stale:
        status, why = "unknown", missing or "The last check is too old."
    else:
        status, why = last, "" if last == "up" else "The last check failed."
    return {
        "name": name,
        "instance": instance,
        "status": status,
        "why": why,
        "checkedAt": utc(checked_at),
        "ageSeconds": None if age is None else round(age),
        "lastStatus": last,
        "durationSeconds": None,
        "availability24h": None,
        "history": [],
    }


def overall(services):
    kinds = {s["status"] for s in services}
    return next((kind for kind in ("down", "unknown") if kind in kinds), "up" if kinds else "unknown")


def status(source, job, stale, now, previous):
    error, success, checked, durations, history = "", {}, {}, {}, {}
    selector = "{job=" + json.dumps(job) + "}"
    end = math.floor(now)
    try:
        success = instant(source.ask("query", query=f"probe_success{selector}", time=end))
        checked = instant(source.ask("query", query=f"timestamp(probe_success{selector})", time=end))
        # The rest only adds to the picture.
        durations = instant(source.ask("query", query=f"probe_duration_seconds{selector}", time=end))
        history = histories(
            source.ask(
                "query_range",
                query=f"avg_over_time(probe_success{selector}[{SLOT_SECONDS}s])",
                start=end - (SLOTS - 1) * SLOT_SECONDS,
                end=end,
                step=SLOT_SECONDS,
            ),
            end,
        )
    except Unavailable as problem:
        error = str(problem)
    services = []
    missing = f"Prometheus has no answer: {error}." if error else "Prometheus has no check of it."
    for probe in sorted(success)[:MOST_SERVICES]:
        why = missing if error else ""
        one = service(name_of(*probe), probe[1], success[probe], checked.get(probe), now, stale, why)
        one["durationSeconds"] = durations.get(probe)
        known = [value for value in history.get(probe, []) if value is not None]
        if known:
            one["history"] = history[probe]
            one["availability24h"] = sum(known) / len(known)
        services.append(one)
    shown = {s["name"] for s in services}
    before = known_before(previous)
    for (name, instance), (last, at) in sorted(before.items()):
        if name not in shown and len(services) < MOST_SERVICES and now - at < 24 * 3600:
            services.append(service(name, instance, 1 if last == "up" else 0, at, now, NEVER_FRESH, missing))
            shown.add(name)
    if RUNNER not in shown:
        services.append(service(RUNNER, "", None, None, now, stale, missing))
    services.sort(key=lambda s: (s["name"] != RUNNER, s["name"], s["instance"]))
    return {
        "generatedAt": utc(now),
        "overall": overall(services),
        "source": {"ok": not error, "error": error},
        "groups": [{"name": GROUPS.get(job, job), "services": services}],
        "notShown": max(0, len(success) - MOST_SERVICES),
    }
