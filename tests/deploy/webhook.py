#!/usr/bin/env python3
"""Where Alertmanager sends its notifications in a test: keeps each of them as a JSON line in FILE.

    webhook.py --keep FILE

A line is {"at": seconds since 1970, "path": the receiver's, "notification": the body as it came}. Prints its port.
"""
import argparse
import http.server
import json
import threading
import time


class Webhook(http.server.BaseHTTPRequestHandler):
    keep = None
    lock = threading.Lock()

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.lock:
            self.keep.write(json.dumps({"at": round(time.time(), 3), "path": self.path, "notification": body}) + "\n")
            self.keep.flush()
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--keep", type=argparse.FileType("a"), required=True)
    Webhook.keep = arguments.parse_args().keep
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Webhook)
    print(server.server_address[1], flush=True)
    server.serve_forever()


main()
