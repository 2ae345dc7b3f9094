"""The processes that are measured: start, stop, HTTP, metrics, CPU time and memory."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import time

SERVICE_KEY = "benchmark-service-key"
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")

PGBENCH = "/usr/lib/postgresql/15/bin/pgbench"


def free_port():
    # Below the range that outgoing connections take their ports from.
    for port in range(20000 + os.getpid() % 9000, 32000):
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError("no free port")


def wait_until(what, condition, seconds=120, pause=0.02):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"not within {seconds} s: {what}")
        time.sleep(pause)


class Process:
    """mana-ai with one target. A context manager: left, it is stopped."""

    def __init__(self, binary, target, log, settings):
        self.port = free_port()
        environment = {"PATH": os.environ["PATH"], "HOME": "/", "PORT": str(self.port), "BIND_ADDRESS": "127.0.0.1"}
        environment |= {name: str(value) for name, value in settings.items()}
        self._log = open(log, "ab")
        self._child = subprocess.Popen(
            [binary, f"--target={target}"],
            env=environment, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
        )
        self.pid = self._child.pid
        self._connection = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def wait_for(self, path):
        def answers():
            if self._child.poll() is not None:
                raise RuntimeError(f"ended with code {self._child.returncode}, see {self._log.name}")
            try:
                return self.request("GET", path)[0] == 200
            except OSError:
                return False

        wait_until(f"{path} answers 200", answers, 60)

    def request(self, method, path):
        """(status, body) over one connection that is kept."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        try:
            self._connection.request(method, path, headers={"X-Service-Key": SERVICE_KEY})
            answer = self._connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as e:
            self._connection.close()
            self._connection = None
            raise OSError(str(e)) from e

    def tick(self):
        status, body = self.request("POST", "/internal/tick")
        report = json.loads(body)
        if status != 200 or report.get("errors"):
            raise RuntimeError(f"the tick answered {status}: {body.decode()[:500]}")
        return report

    def metrics(self):
        return Metrics(self.request("GET", "/metrics")[1].decode())

    def stop(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._child.poll() is None:
            self._child.send_signal(signal.SIGTERM)
            try:
                self._child.wait(40)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()
        self._log.close()

    def rss_bytes(self):
        with open(f"/proc/{self.pid}/status") as f:
            return int(re.search(r"VmRSS:\s+(\d+) kB", f.read())[1]) * 1024


def start_standin(bench, **settings):
    p = Process(bench.binary, "llm-standin", bench.work / "standin.log", settings)
    p.wait_for("/health")
    return p


def start_runner(bench, database, llm_port, **settings):
    p = Process(
        bench.binary,
        "runner",
        bench.work / "runner.log",
        {
            "SYNC_DATABASE_URL": bench.url(database, "mana_ai_runner"),
            "MANA_LLM_URL": f"http://127.0.0.1:{llm_port}",
            "MANA_SERVICE_KEY": SERVICE_KEY,
            "TICK_ENABLED": "false",
            "MAX_RUNS": 512,
            "MAX_RUNS_PER_USER": 10,
            "RUNS_PER_HOUR": 0,
            "TOKENS_PER_DAY": 0,
            "DATABASE_CONNECTIONS": bench.connections,
        }
        | settings,
    )
    p.wait_for("/health")
    return p


class Metrics:
    """One scrape. Names without the prefix."""

    def __init__(self, text):
        self._values = {}
        for name, value in re.findall(r"^mana_ai_(\S+) (\S+)$", text, re.M):
            self._values[name] = float(value)

    def total(self, name, **labels):
        wanted = [f'{k}="{v}"' for k, v in labels.items()]
        return sum(
            v
            for series, v in self._values.items()
            if re.split(r"[{]", series)[0] == name and all(w in series for w in wanted)
        )


def stage_means_ms(before, after):
    """Mean duration of a run's stages between two scrapes."""
    out = {}
    for stage in ("claim_wait", "read", "audit", "llm", "write"):
        n, s = (
            after.total(f"run_stage_duration_seconds_{x}", stage=stage)
            - before.total(f"run_stage_duration_seconds_{x}", stage=stage)
            for x in ("count", "sum")
        )
        if n:
            out[stage] = s / n * 1000
    return out


# -- CPU time -----------------------------------------------------------------------------------------------------


def _cpu_seconds(pid, with_dead_children=False):
    try:
        with open(f"/proc/{pid}/stat") as f:
            fields = f.read().rsplit(") ", 1)[1].split()
    except OSError:
        return 0.0, 0
    ticks = sum(int(t) for t in fields[11 : 15 if with_dead_children else 13])
    return ticks / _TICKS_PER_SECOND, int(fields[1])


def _server_seconds(postmaster):
    total = _cpu_seconds(postmaster, with_dead_children=True)[0]
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            seconds, parent = _cpu_seconds(entry)
            if parent == postmaster:
                total += seconds
    return total


def _machine_seconds():
    with open("/proc/stat") as f:
        fields = [int(t) for t in f.readline().split()[1:9]]
    idle = fields[3] + fields[4]
    return sum(fields) / _TICKS_PER_SECOND, (sum(fields) - idle) / _TICKS_PER_SECOND


class CpuWatch:
    """CPU seconds of the named processes and of PostgreSQL from its making to `stop`, and who else used the machine."""

    def __init__(self, bench, **processes):
        self._postmaster = bench.postmaster
        self._pids = {name: p.pid for name, p in processes.items()}
        self._start = self._sample()

    def _sample(self):
        out = {name: _cpu_seconds(pid)[0] for name, pid in self._pids.items()}
        out["postgres"] = _server_seconds(self._postmaster)
        out["bench"] = _cpu_seconds(os.getpid())[0]
        out["_all"], out["_busy"] = _machine_seconds()
        return out

    def stop(self, runs=None):
        used = {k: v - self._start[k] for k, v in self._sample().items()}
        ours = sum(v for k, v in used.items() if not k.startswith("_"))
        out = {"other_load": max(0.0, (used["_busy"] - ours) / used["_all"]) if used["_all"] else None}
        named = {k: v for k, v in used.items() if not k.startswith("_")}
        if runs:
            out["cpu_ms_per_run"] = {k: v * 1000 / runs for k, v in named.items()}
        else:
            out["cpu_seconds"] = named
        return out
