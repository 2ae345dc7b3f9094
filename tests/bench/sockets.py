"""(q): from the commit of a row to the message on the user's WebSockets, with a thousand of them open."""

import base64
import json
import os
import pathlib
import secrets
import selectors
import socket
import struct
import subprocess
import threading
import time

import database as data
from latency import Recorder, reference_ms
from processes import CpuWatch, Process
from report import line, median, percentile, progress

_USERS = 200
_SOCKETS_PER_USER = 5
_SAMPLES = 200
_ISSUER = "http://bench.test"
_TOKENS = pathlib.Path(__file__).with_name("tokens.mjs")


class Socket:
    """A signed-in WebSocket; its frames are short."""

    def __init__(self, port, token):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        self.socket.sendall(
            f"GET /ws HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        self._rest = b""
        while b"\r\n\r\n" not in self._rest:
            self._rest += self._received()
        head, self._rest = self._rest.split(b"\r\n\r\n", 1)
        if not head.startswith(b"HTTP/1.1 101"):
            raise RuntimeError(head.decode())
        self.send(0x1, json.dumps({"type": "auth", "token": token}).encode())
        while not (messages := self.messages()):
            pass
        if messages != [{"type": "auth-ok"}]:
            raise RuntimeError(str(messages))

    def _received(self):
        chunk = self.socket.recv(4096)
        if not chunk:
            raise RuntimeError("the server closed a WebSocket")
        return chunk

    def send(self, opcode, payload):
        size = bytes([0x80 | len(payload)]) if len(payload) < 126 else struct.pack("!BH", 0x80 | 126, len(payload))
        self.socket.sendall(bytes([0x80 | opcode]) + size + bytes(4) + payload)  # masked with zeros

    def messages(self):
        """What one read brings; pings are answered."""
        self._rest += self._received()
        out = []
        while len(self._rest) >= 2:
            size, start = self._rest[1] & 0x7F, 2
            if size == 126 and len(self._rest) >= 4:
                size, start = struct.unpack_from("!H", self._rest, 2)[0], 4
            if len(self._rest) < start + size:
                break
            opcode, payload = self._rest[0] & 15, self._rest[start : start + size]
            self._rest = self._rest[start + size :]
            if opcode == 9:
                self.send(10, payload)
            elif opcode == 1:
                out.append(json.loads(payload))
        return out


class Crowd:
    """All sockets; notes when each is told something."""

    def __init__(self, port, tokens):
        self._selector = selectors.DefaultSelector()
        self._arrived = threading.Condition()
        self._times = {}
        for n, token in enumerate(tokens):
            s = Socket(port, token)
            s.socket.setblocking(False)
            self._selector.register(s.socket, selectors.EVENT_READ, (n, s))
        self._stop = False
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self):
        while not self._stop:
            for key, _ in self._selector.select(0.2):
                n, s = key.data
                at = time.monotonic_ns()
                for message in s.messages():
                    if message.get("appId") == "todo":
                        with self._arrived:
                            self._times.setdefault(n % _USERS, []).append(at)
                            self._arrived.notify_all()

    def expect(self, user, count):
        """When the next `count` messages for the user arrived."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(self._times.get(user, [])) >= count, 20):
                raise RuntimeError("a message did not come")
            return self._times.pop(user)

    def close(self):
        self._stop = True
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()


def _tokens(bench, keys, port):
    users = [data.user_id(1 + n) for n in range(_USERS)]
    command = [_TOKENS, keys / "auth-signing.pem", f"http://127.0.0.1:{port}/api/v1/auth/jwks", _ISSUER, *users]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def _start(bench, database, keys):
    return Process(
        bench.binary,
        "auth,sync",
        bench.work / "sync.log",
        {
            "DATABASE_URL": bench.url(database, "mana_sync"),  # asked for nothing here
            "MANA_AUTH_KEK": "v1:" + base64.b64encode(os.urandom(32)).decode(),
            "SYNC_TARGET_DATABASE_URL": bench.url(database, "mana_sync"),
            "AUTH_SIGNING_KEY_PEM_FILE": keys / "auth-signing.pem",
            "BASE_URL": _ISSUER,
        },
    )


def q(bench, _):
    progress("q: from commit to WebSocket message")
    database = bench.new_database("bench_q")
    keys = bench.work / "sync-keys"
    subprocess.run([bench.binary, "keygen", f"--out={keys}"], check=True, stdout=subprocess.DEVNULL)
    recorder = Recorder()
    plain = reference_ms(bench, database, recorder)
    recorder.close()
    sent = []
    with _start(bench, database, keys) as service, bench.connect(database, "mana_sync") as writer:
        service.wait_for("/health")
        crowd = Crowd(service.port, _tokens(bench, keys, service.port) * _SOCKETS_PER_USER)
        try:
            idle_bytes = service.rss_bytes()
            watch = CpuWatch(bench, service=service)
            for n in range(_SAMPLES + 10):
                user = n % _USERS
                writer.run(f"""
                  begin; set local app.current_user_id = '{data.user_id(1 + user)}';
                  insert into public.sync_changes (app_id, table_name, record_id, user_id, client_id, op, data)
                  values ('todo', 'tasks', 't{n}', '{data.user_id(1 + user)}', 'bench', 'insert', '{{}}')""")
                begun = time.monotonic_ns()
                writer.run("commit")
                arrived = crowd.expect(user, _SOCKETS_PER_USER)
                if n >= 10:
                    sent += [(at - begun) / 1e6 for at in arrived]
                time.sleep(0.01)
            cpu = watch.stop(_SAMPLES + 10)
        finally:
            crowd.close()
    bench.drop(database)
    p99 = percentile(sent, 0.99)
    line("q", f"from COMMIT being sent to the message on each of the user's {_SOCKETS_PER_USER} WebSockets, "
         f"{_USERS * _SOCKETS_PER_USER} open, p99 of {len(sent)}", p99, "ms",
         {"what": "a row and NOTIFY committed, LISTEN, one request; p99", "value": percentile(plain, 0.99),
          "unit": "ms"}, "p99 < 200 ms", p99 < 200,
         p50=median(sent), max=max(sent), memory_mib=idle_bytes / 2**20, **cpu)
