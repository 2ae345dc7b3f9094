#!/usr/bin/env python3
"""An OpenAI-compatible endpoint that can be asked later which confidential texts reached it, and when.

    llm_witness.py --log FILE [--latency-ms N [--up-to-ms M]] [--keep-prompts]

Texts of tests hold markers, `MARK-` and 32 hex digits. Every call is in FILE, on disk before it is answered, as JSON
lines in the order of their times (microseconds since 1970, by the clock of this machine, strictly increasing):

    {"at", "call", "event": "seen", "markers": [...]}   `at` is when the request's first bytes were there
    The headers `traceparent` and `tracestate` are with the first, where the request has them.
    {"at", "call", "event": "answered" | "closed"}      closed: the caller gave up before the answer

Calls with a marker take N ms, or a random time between N and M; others are answered at once. Each answer is a valid
plan that names its call (`Aufruf 17`) and repeats nothing of the prompt. Prints its port.
"""
import argparse
import json
import os
import random
import re
import select
import socket
import threading
import time

import faulty_llm

_MARKER = re.compile(r"MARK-[0-9a-f]{32}")


class Log:
    def __init__(self, path):
        self._file = open(path, "a", encoding="utf-8")
        self._lock = threading.Lock()
        self._last = 0
        self._calls = 0

    def number(self):
        with self._lock:
            self._calls += 1
            return self._calls

    def write(self, at, **event):
        with self._lock:
            self._last = max(at, self._last + 1)
            self._file.write(json.dumps({"at": self._last} | event, ensure_ascii=False) + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())


def now():
    return time.time_ns() // 1000


class Witness(faulty_llm.Handler):
    log = None
    options = None

    def do_POST(self):
        at = now()
        call = self.log.number()
        text = self.prompt()
        markers = sorted(set(_MARKER.findall(text)))
        kept = {"prompt": json.loads(text)["messages"]} if self.options.keep_prompts else {}
        kept |= {name: self.headers[name] for name in ("traceparent", "tracestate") if name in self.headers}
        self.log.write(at, call=call, event="seen", markers=markers, **kept)
        if markers and not self.caller_stays():
            self.log.write(now(), call=call, event="closed")
            self.close_connection = True
            return
        self.log.write(now(), call=call, event="answered")
        self.answer(200, faulty_llm.completion(faulty_llm.plan("create_task", f"Aufruf {call}")))

    def caller_stays(self):
        """Waits for the latency; False as soon as the caller closes."""
        wait = random.uniform(self.options.latency_ms, max(self.options.latency_ms, self.options.up_to_ms)) / 1000
        readable, _, _ = select.select([self.connection], [], [], wait)
        if not readable:
            return True
        try:
            return bool(self.connection.recv(1, socket.MSG_PEEK))
        except ConnectionError:
            return False


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--log", required=True)
    arguments.add_argument("--latency-ms", type=float, default=0)
    arguments.add_argument("--up-to-ms", type=float, default=0)
    arguments.add_argument("--keep-prompts", action="store_true")
    Witness.options = arguments.parse_args()
    Witness.log = Log(Witness.options.log)
    faulty_llm.serve(Witness)


main()
