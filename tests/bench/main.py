"""Runs the measurements that were asked for; started by run.sh."""

import argparse
import os
import signal
import sys
import time
import traceback

import cost
import fairness
import grants
import idle_tick
import latency
import memory
import notices
import refresh
import soak
import sockets
import throughput
import unwrap
from database import Bench
from report import failed, progress

# What makes its numbers together; each entry gets the letters that were asked for.
_MEASUREMENTS = [
    ("ab", throughput.a_and_b),
    ("c", idle_tick.c),
    ("d", refresh.d),
    ("e", latency.e),
    ("f", memory.f),
    ("g", throughput.g),
    ("h", throughput.h),
    ("i", cost.i),
    ("j", refresh.j),
    ("k", unwrap.k),
    ("lm", grants.l_and_m),
    ("n", fairness.n),
    ("o", cost.o),
    ("p", throughput.p),
    ("q", sockets.q),
    ("r", notices.r),
]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--binary", required=True)
    arguments.add_argument("--work", required=True)
    arguments.add_argument("--superuser-url", required=True)
    arguments.add_argument("letters", nargs="*")
    options = arguments.parse_args()
    # The soak takes half an hour: only when asked for.
    wanted = set(options.letters) or set("abcdefghijklmnopqr")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # leaves the context managers, which stop processes
    bench = Bench(options.binary, options.work, options.superuser_url)
    begun = time.monotonic()
    broken = False
    measurements = _MEASUREMENTS + [(["soak"], soak.soak)]
    for letters, measure in measurements:
        if not wanted & set(letters):
            continue
        try:
            measure(bench, wanted)
        except Exception as e:  # one measurement that cannot be made must not hide the others
            traceback.print_exc()
            failed("".join(sorted(wanted & set(letters))), f"{type(e).__name__}: {e}"[:1000])
            broken = True
    progress(f"done in {time.monotonic() - begun:.0f} s, load average {os.getloadavg()[0]:.1f}")
    return 1 if broken else 0


sys.exit(main())
