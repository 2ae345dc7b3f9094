"""(e): from the commit of a due mission to the LLM request."""

import http.server
import json
import queue
import socket
import threading
import time

import database as data
from processes import CpuWatch, start_runner, wait_until
from report import line, median, percentile, progress

_SAMPLES = 200
_USERS = 20

_ANSWER = json.dumps(
    {"choices": [{"message": {"role": "assistant", "content": json.dumps({"summary": "Nichts zu tun.", "steps": []})}}]}
).encode()


class Recorder:
    """An LLM that notes when a request arrives and answers with an empty plan."""

    def __init__(self):
        arrivals = self._arrivals = queue.SimpleQueue()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def parse_request(self):  # its first line has just been read
                arrivals.put(time.monotonic_ns())
                return super().parse_request()

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(_ANSWER)))
                self.end_headers()
                self.wfile.write(_ANSWER)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):  # a client that went away
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def next(self, seconds=20):
        return self._arrivals.get(timeout=seconds)

    def close(self):
        self._server.shutdown()
        self._server.server_close()


def _spread(times):
    return {"p50": median(times), "p99": percentile(times, 0.99), "max": max(times)}


def reference_ms(bench, database, recorder):
    """The least there is on this way: a row and a NOTIFY committed, the listener woken, one request over an open
    connection. From COMMIT being sent, as for the runner."""
    out = []
    stop = threading.Event()
    with bench.connect(database) as writer, bench.connect(database) as listener:
        writer.run("create table bench_note (id int, data jsonb)")
        listener.run("listen bench_note")
        request = b"POST / HTTP/1.1\r\nHost: bench\r\nContent-Length: 2\r\n\r\n{}"

        def relay():
            with socket.create_connection(("127.0.0.1", recorder.port)) as s:
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while not stop.is_set():
                    if listener.wait_notification(0.2):
                        s.sendall(request)
                        s.recv(4096)

        thread = threading.Thread(target=relay)
        thread.start()
        for n in range(_SAMPLES):
            writer.run(f"begin; insert into bench_note values ({n}, '{{}}'); notify bench_note")
            begun = time.monotonic_ns()
            writer.run("commit")
            out.append((recorder.next() - begun) / 1e6)
            time.sleep(0.02)
        stop.set()
        thread.join()
    return out


def e(bench, _):
    progress("e: from commit to LLM request")
    database = bench.new_database("bench_e")
    recorder = Recorder()
    sent, acknowledged = [], []
    try:
        with bench.connect(database) as db:
            data.add_goals(db, _USERS)
            data.settle(db)
        plain = reference_ms(bench, database, recorder)
        # The writer is the sync service: its login, in the scope of the user.
        with bench.connect(database) as db, bench.connect(database, "mana_sync") as writer, start_runner(
            bench, database, recorder.port, TICK_ENABLED="true"
        ) as runner:
            watch = CpuWatch(bench, runner=runner)
            for n in range(_SAMPLES + 10):
                user, mission = data.user_id(1 + n % _USERS), f"mission-{n}"
                writer.run(f"""
                  begin; set local app.current_user_id = '{user}';
                  insert into public.sync_changes (app_id, table_name, record_id, user_id, client_id, op, data, actor)
                  values ('ai', 'aiMissions', '{mission}', '{user}', 'bench-browser', 'insert',
                          {data.mission_json(f"'{user}'", f"'{mission}'", data.DUE)}, '{{"kind": "user"}}')""")
                begun = time.monotonic_ns()
                writer.run("commit")
                done = time.monotonic_ns()
                arrived = recorder.next()
                if n >= 10:
                    sent.append((arrived - begun) / 1e6)
                    acknowledged.append((arrived - done) / 1e6)
                wait_until("the plan is written", lambda: data.is_written(db, mission))
                time.sleep(0.02)
            cpu = watch.stop(_SAMPLES + 10)
    finally:
        recorder.close()
    bench.drop(database)
    p50, p99 = median(sent), percentile(sent, 0.99)
    line("e", f"from COMMIT of a due mission being sent to the LLM request arriving, p50 of {_SAMPLES}", p50, "ms",
         {"what": "a row and NOTIFY committed, LISTEN, one request; p50", "value": median(plain), "unit": "ms",
          "all": _spread(plain)}, "p50 < 5 ms, p99 < 20 ms", p50 < 5 and p99 < 20, from_commit_sent=_spread(sent),
         from_commit_answered=_spread(acknowledged), **cpu)
