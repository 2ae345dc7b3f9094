"""What a chaos run is made of: a database, a proxy before it for every replica, the replicas, and the LLM."""

import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from urllib.parse import urlsplit

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT / "tests/bench"))
import libpq  # noqa: E402

_HERE = pathlib.Path(__file__).resolve().parent
_PASSWORDS = {f"{role}_PASSWORD": f"{role.lower()}-secret" for role in ("RUNNER", "AUTH", "MIGRATOR", "SYNC")}
_SERVICE_KEY = "chaos-run-service-key"
_DATABASE = "chaos"


class Database:
    """The cluster in `directory`, and in it one database with the service's schema and the run's witness."""

    def __init__(self, directory, superuser_url, binary, work):
        self._directory = directory
        self._binary = binary
        self._superuser = urlsplit(superuser_url)
        # To compare when a decrypt was recorded with when its text was sent.
        with self.connect("postgres") as c:
            c.run("alter system set track_commit_timestamp = on")
        self._cluster("stop")
        self.start()
        with open(work / "database.log", "ab") as log:
            subprocess.run([CHECKOUT / "deploy/database.sh", superuser_url, _DATABASE, binary],
                           env=os.environ | _PASSWORDS, check=True, stdout=log, stderr=log)
        with self.connect() as c:
            c.run((_HERE / "witness.sql").read_text())

    @property
    def address(self):
        return f"127.0.0.1:{self._superuser.port}"

    def connect(self, database=_DATABASE):
        """As superuser and past all proxies."""
        url = self._superuser
        return libpq.Connection(f"postgresql://postgres:{url.password}@{self.address}/{database}?connect_timeout=5")

    def runner_url(self, address, application_name):
        return (f"postgresql://mana_ai_runner:{_PASSWORDS['RUNNER_PASSWORD']}@{address}/{_DATABASE}"
                f"?application_name={application_name}")

    def command(self, *arguments):
        """mana-ai as an operator calls it."""
        environment = {"PATH": os.environ["PATH"], "SYNC_DATABASE_URL": self.runner_url(self.address, "operator")}
        return subprocess.run([self._binary, *arguments], env=environment, capture_output=True, text=True, timeout=60)

    def crash(self):
        self._cluster("stop", "--immediate")

    def start(self):
        self._cluster("start", "--fast")

    def _cluster(self, order, *options):
        subprocess.run([CHECKOUT / "deploy/cluster.sh", order, self._directory, *options], check=True,
                       stdout=subprocess.DEVNULL)


def _free_port():
    # Below the range that outgoing connections take their ports from.
    while True:
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", random.randrange(20000, 32000)))
                return s.getsockname()[1]
            except OSError:
                continue


def _listening(command, log):
    """A child that prints where it listens; the child and its first line."""
    child = subprocess.Popen([sys.executable, "-B", *map(str, command)], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=log, text=True)
    return child, child.stdout.readline()


def _end(child):
    child.kill()
    child.wait()
    if child.stdout:
        child.stdout.close()


class Proxy:
    def __init__(self, name, database, seed, log):
        self._child, line = _listening(
            [_HERE / "fault_proxy.py", "--server", database.address, "--seed", f"{seed}:{name}"], log)
        ports = json.loads(line)
        self.address = f"127.0.0.1:{ports['port']}"
        self._control = socket.create_connection(("127.0.0.1", ports["control"]))
        self._answers = self._control.makefile("r")

    def order(self, **what):
        """The counts so far."""
        self._control.sendall(json.dumps(what).encode() + b"\n")
        return json.loads(self._answers.readline())

    def stop(self):
        self._answers.close()
        self._control.close()
        _end(self._child)


class Llm:
    def __init__(self, record, seed, log):
        self.record = record
        self._child, line = _listening([_HERE / "unreliable_llm.py", "--record", record, "--seed", seed], log)
        self.url = f"http://127.0.0.1:{int(line)}"

    def stop(self):
        _end(self._child)


class Replica:
    """A place for a runner. Each start is a new runner: its leases and connections carry a name of their own."""

    def __init__(self, name, binary, proxy, settings, database, log):
        self.place = name
        self.proxy = proxy
        self.starts = 0
        self.suspended = False
        self.leaving = False
        self._binary = binary
        self._settings = settings
        self._database = database
        self._log = log
        self._port = _free_port()
        self._started = 0
        self._child = None

    @property
    def name(self):
        return f"{self.place}.{self.starts}"

    @property
    def running(self):
        return self._child is not None and self._child.poll() is None

    @property
    def exit_code(self):
        return self._child.poll()

    @property
    def available(self):
        """Up, and nothing is being done to it."""
        return self.running and not self.suspended and not self.leaving

    @property
    def age_s(self):
        return time.monotonic() - self._started

    def start(self):
        self.starts += 1
        self._started = time.monotonic()
        self.suspended = self.leaving = False
        environment = {"PATH": os.environ["PATH"], "HOME": "/", "PORT": str(self._port), "BIND_ADDRESS": "127.0.0.1"}
        environment |= {"MANA_SERVICE_KEY": _SERVICE_KEY, "REPLICA_NAME": self.name}
        environment["SYNC_DATABASE_URL"] = self._database.runner_url(self.proxy.address, self.name)
        environment |= {key: str(value) for key, value in self._settings.items()}
        self._child = subprocess.Popen([self._binary, "--target=runner"], env=environment, stdin=subprocess.DEVNULL,
                                       stdout=self._log, stderr=self._log)

    def kill(self):
        """When the last of its instructions may have run."""
        self._child.kill()
        self._child.wait()
        return time.time()

    def end(self):
        if self.running:
            self.kill()

    def suspend(self):
        self._child.send_signal(signal.SIGSTOP)
        self.suspended = True

    def resume(self):
        self._child.send_signal(signal.SIGCONT)
        self.suspended = False

    def ask_to_leave(self):
        self._child.terminate()
        self.leaving = True
        return time.time()

    def leave(self):
        """Asks and waits; the exit code."""
        self.ask_to_leave()
        return self._child.wait(60)

    def is_ready(self):
        try:
            return self._get("/ready").status == 200
        except OSError:  # also an answer that is an error
            return False

    def plans_written(self):
        """By its own count since its start."""
        text = self._get("/metrics").read().decode()
        return sum(int(float(line.rsplit(" ", 1)[1])) for line in text.splitlines()
                   if line.startswith("mana_ai_plans_written_back_total"))

    def _get(self, path):
        return urllib.request.urlopen(f"http://127.0.0.1:{self._port}{path}", timeout=10)
