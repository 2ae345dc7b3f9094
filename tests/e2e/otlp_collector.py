#!/usr/bin/env python3
"""Stands in for a collector of traces (OTLP/HTTP with JSON) that can have bad days.

    otlp_collector.py --log FILE --mode-file FILE [--port N]   serves, prints its port
    otlp_collector.py --spans FILE                             prints what such a log holds, a span a line

FILE gets a line for each request that was taken: {"path", "headers", "body"}. The mode file says what to do with the
next requests: ok (also when it is empty or missing), hang (no answer until the caller gives up), busy (503 with
Retry-After: 1), refuse (400), garbage (bytes that are no HTTP), partial (takes all but one span).

--spans judges the form, too, by the specification's rules for JSON: what is wrong goes to stderr and ends in exit
code 1. A span is printed as {trace, span, parent, name, kind, start, end, attributes, failed, remote, service,
instance}, its times in nanoseconds since 1970.
"""
import argparse
import http.server
import json
import pathlib
import re
import sys
import threading

KINDS = {1: "internal", 2: "server", 3: "client"}
SPAN_FIELDS = {"traceId", "spanId", "parentSpanId", "flags", "name", "kind", "startTimeUnixNano", "endTimeUnixNano",
               "attributes", "status"}


class Collector(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    options = None
    lock = threading.Lock()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        mode = self.mode()
        if mode == "hang":
            self.connection.recv(1)
            self.close_connection = True
        elif mode == "garbage":
            self.wfile.write(b"\x00\x01 this is no HTTP\r\n\r\n")
            self.close_connection = True
        elif mode == "busy":
            self.answer(503, {}, {"Retry-After": "1"})
        elif mode == "refuse":
            self.answer(400, {"message": "no"})
        else:
            with self.lock, open(self.options.log, "a", encoding="utf-8") as log:
                log.write(json.dumps({"path": self.path, "headers": dict(self.headers), "body": json.loads(body)}) + "\n")
            rejected = {"rejectedSpans": "1", "errorMessage": "no"}
            self.answer(200, {"partialSuccess": rejected} if mode == "partial" else {})

    def mode(self):
        try:
            return pathlib.Path(self.options.mode_file).read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return "ok"

    def answer(self, status, body, headers=None):
        text = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(text)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def check(good, what):
    if not good:
        raise ValueError(what)


def attributes_of(entries):
    out = {}
    for entry in entries:
        check(set(entry) == {"key", "value"} and len(entry["value"]) == 1, f"attribute {entry}")
        ((kind, value),) = entry["value"].items()
        check(entry["key"] not in out, f"attribute {entry['key']} twice")
        if kind == "intValue":
            check(isinstance(value, str), f"{entry['key']}: 64 bits are text")
            value = int(value)
        else:
            check(kind == "stringValue" and isinstance(value, str), f"{entry['key']} is of kind {kind}")
        out[entry["key"]] = value
    return out


def span_of(s, resource):
    check(set(s) <= SPAN_FIELDS, f"fields {set(s) - SPAN_FIELDS}")
    for name, digits in {"traceId": 32, "spanId": 16, "parentSpanId": 16}.items():
        if name in s or name != "parentSpanId":
            check(re.fullmatch(rf"(?!0+$)[0-9a-f]{{{digits}}}", s[name]), f"{name} {s[name]}")
    for name in ("startTimeUnixNano", "endTimeUnixNano"):
        check(isinstance(s[name], str) and s[name].isascii() and s[name].isdigit(), f"{name} {s[name]}")
    start, end = int(s["startTimeUnixNano"]), int(s["endTimeUnixNano"])
    check(start <= end, "it ends before it starts")
    check(s["kind"] in KINDS and isinstance(s["name"], str) and s["name"], "kind or name")
    check(s.get("status", {}) in ({}, {"code": 2}), f"status {s.get('status')}")
    return {"trace": s["traceId"], "span": s["spanId"], "parent": s.get("parentSpanId"), "name": s["name"],
            "kind": KINDS[s["kind"]], "start": start, "end": end, "attributes": attributes_of(s["attributes"]),
            "failed": "status" in s, "remote": bool(s["flags"] & 0x200), "service": resource["service.name"],
            "instance": resource["service.instance.id"]}


def print_spans(path):
    for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        body = json.loads(line)["body"]
        check(set(body) == {"resourceSpans"}, "the request's fields")
        for of_resource in body["resourceSpans"]:
            resource = attributes_of(of_resource["resource"]["attributes"])
            for of_scope in of_resource["scopeSpans"]:
                for s in of_scope["spans"]:
                    print(json.dumps(span_of(s, resource)))


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--log")
    arguments.add_argument("--mode-file")
    arguments.add_argument("--port", type=int, default=0)
    arguments.add_argument("--spans")
    options = arguments.parse_args()
    if options.spans:
        try:
            return print_spans(options.spans)
        except (KeyError, TypeError, ValueError) as e:
            return f"not as OTLP says: {e!r}"
    Collector.options = options
    server = http.server.ThreadingHTTPServer(("127.0.0.1", options.port), Collector)
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    return server.serve_forever()


sys.exit(main())
