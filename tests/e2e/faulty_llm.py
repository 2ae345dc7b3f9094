#!/usr/bin/env python3
"""An OpenAI-compatible endpoint that misbehaves for some missions only.

A prompt that holds the text `fault:<kind>` gets that fault, any other a plan with one step. Prints its port.
Kinds: error (500), refused (400), limited (429 with a Retry-After beyond every deadline), busy (the first call 429
with Retry-After 1, then a plan), garbage (200, no completion), prose (a completion without a plan), tool (a plan with
an unknown tool), hang (no answer), trickle (a byte at a time), huge (larger than any limit), cut (closes within the
body).
"""
import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def plan(tool, summary="Ein Schritt"):
    step = {"summary": "Aufgabe anlegen", "toolName": tool, "params": {"title": "Laufen"}, "rationale": "Ziel offen"}
    return json.dumps({"summary": summary, "steps": [step]})


def completion(content):
    message = {"role": "assistant", "content": content}
    return json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()


class Handler(BaseHTTPRequestHandler):
    """An endpoint whose calls all end with a plan; what else they do is the subclass's."""

    protocol_version = "HTTP/1.1"
    # A head and a body that go out as two segments would wait for each other's acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True

    def answer(self, status, body, headers=(), announced=None):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(announced or len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def prompt(self):
        return self.rfile.read(int(self.headers["Content-Length"])).decode()

    def do_GET(self):
        self.answer(200, b'{"data": []}')

    def handle(self):
        try:
            super().handle()
        except ConnectionError:  # the caller had enough of it
            self.close_connection = True

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512


def serve(handler):
    """Prints its port and does not return."""
    server = Server(("127.0.0.1", 0), handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()


was_busy = threading.Event()


class FaultyHandler(Handler):
    def do_POST(self):
        text = self.prompt()
        fault = re.search(r"fault:(\w+)", text)
        kind = fault.group(1) if fault else "none"
        if kind == "error":
            self.answer(500, b'{"error": "broken"}')
        elif kind == "limited":
            self.answer(429, b'{"error": "slow down"}', [("Retry-After", "600")])
        elif kind == "refused":
            self.answer(400, b'{"error": "context too long"}')
        elif kind == "busy" and not was_busy.is_set():
            was_busy.set()
            self.answer(429, b'{"error": "slow down"}', [("Retry-After", "1")])
        elif kind == "garbage":
            self.answer(200, b"<html>not a completion</html>")
        elif kind == "prose":
            self.answer(200, completion("Gerne! Hier ist leider kein Plan."))
        elif kind == "tool":
            self.answer(200, completion(plan("delete_everything")))
        elif kind == "hang":
            threading.Event().wait(300)
            self.close_connection = True
        elif kind == "trickle":
            self.answer(200, b"", announced=1000)
            for _ in range(1000):
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.1)
        elif kind == "huge":
            self.answer(200, completion("x" * 10_000_000))
        elif kind == "cut":
            body = completion(plan("create_task"))
            self.answer(200, body[: len(body) // 2], announced=len(body))
            self.close_connection = True
        else:
            self.answer(200, completion(plan("create_task")))


if __name__ == "__main__":
    serve(FaultyHandler)
