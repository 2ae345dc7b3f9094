"""Which replicas of a service may be sent something: what a Service of Kubernetes knows of its pods.

A file has a port of a replica per line and is read again and again; who takes a replica out of it takes the replica out
of the service. Each is asked for /ready every period, and is one to send to from the first 200 to the first other
answer, so that it is found out a period later, as by a kubelet.
"""
import http.client
import threading
import time

_PROBE_TIMEOUT = 1.0


class Endpoints:
    """Which replicas are ready."""

    def __init__(self, path, period):
        self._path = path
        self._period = period
        self._lock = threading.Lock()
        self._known = set()
        self._ready = []
        self._turn = 0

    def watch(self):
        """Does not return."""
        while True:
            listed = {int(line) for line in self._path.read_text().split()}
            with self._lock:
                new = listed - self._known
                self._known = listed
                self._ready = [port for port in self._ready if port in listed]
            for port in new:
                threading.Thread(target=self._probe_for_ever, args=(port,), daemon=True).start()
            time.sleep(self._period)

    def next(self):
        with self._lock:
            if not self._ready:
                return None
            self._turn += 1
            return self._ready[self._turn % len(self._ready)]

    def _probe_for_ever(self, port):
        while True:
            ready = _is_ready(port)
            with self._lock:
                if port not in self._known:
                    return
                if ready and port not in self._ready:
                    self._ready.append(port)
                elif not ready and port in self._ready:
                    self._ready.remove(port)
            time.sleep(self._period)


def _is_ready(port):
    # As a kubelet does: a connection of its own for each probe.
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PROBE_TIMEOUT)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
