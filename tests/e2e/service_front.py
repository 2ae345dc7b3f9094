#!/usr/bin/env python3
"""What a Service with an ingress before it is for replicas: one address, whose requests go to those that are ready.

    service_front.py --endpoints FILE [--period-ms 200]

FILE is that of ready_endpoints.py; the replicas get requests in turn. Nothing is tried twice: a replica that cannot be
reached makes a 502, and no replica at all a 503, both with a line on stderr. Connections to replicas are kept and used
again. An answer tells in X-Replica whose it is. Prints its port.
"""
import argparse
import http.client
import pathlib
import socket
import sys
import threading
import time

import faulty_llm
import ready_endpoints

_REQUEST_TIMEOUT = 60.0
_OWN_OF_A_CONNECTION = {"connection", "content-length", "content-type", "transfer-encoding", "keep-alive", "host"}


class Front(faulty_llm.Handler):
    """One for each connection of a client, and so are its connections to replicas."""

    endpoints = None

    def setup(self):
        super().setup()
        self._connections = {}

    def finish(self):
        for connection in self._connections.values():
            connection.close()
        super().finish()

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        port = self.endpoints.next()
        if port is None:
            print(f"{time.time():.3f} nobody is ready", file=sys.stderr, flush=True)
            self.answer(503, b'{"error": "nobody is ready"}')
            return
        headers = {k: v for k, v in self.headers.items() if k.lower() not in _OWN_OF_A_CONNECTION}
        if body:
            headers["Content-Type"] = "application/json"
        try:
            connection = self._connections.get(port) or self._connect(port)
            connection.request(self.command, self.path, body or None, headers)
            response = connection.getresponse()
            answer = response.read()
            if response.will_close:
                self._connections.pop(port).close()
        except (OSError, http.client.HTTPException) as e:
            self._connections.pop(port, None)
            print(f"{time.time():.3f} {self.command} {self.path} at {port}: {e!r}", file=sys.stderr, flush=True)
            self.answer(502, b'{"error": "the replica is gone"}')
            return
        self.answer(response.status, answer, [("X-Replica", str(port))])

    do_POST = do_GET

    def _connect(self, port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_REQUEST_TIMEOUT)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.auto_open = False  # a connection that the replica closed is not made anew in silence
        self._connections[port] = connection
        return connection


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--endpoints", type=pathlib.Path, required=True)
    arguments.add_argument("--period-ms", type=float, default=200)
    options = arguments.parse_args()
    Front.endpoints = ready_endpoints.Endpoints(options.endpoints, options.period_ms / 1000)
    threading.Thread(target=Front.endpoints.watch, daemon=True).start()
    faulty_llm.serve(Front)


main()
