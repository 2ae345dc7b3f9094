#!/usr/bin/env python3
"""Writes a static status page, and the same as status.json, from the probes of a blackbox exporter.

  status_page.py --prometheus URL --out DIR [--every SECONDS] [--job NAME] [--stale SECONDS] [--timeout SECONDS]

Without --every once, for cron. Both files are replaced as a whole, so a web server may serve DIR at any time. Exit
code 1 when they could not be written; that nothing is known is no error, the page then says so.
"""

import argparse
import json
import os
import pathlib
import sys
import tempfile
import time

import page
import probes

MOST_PREVIOUS_BYTES = 4 * 1024 * 1024


def write_atomically(path, text):
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fchmod(out.fileno(), 0o644)
            os.fsync(out.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def previous(path):
    """What the last call found, for when this one learns nothing; {} when there is none that can be read."""
    try:
        if path.stat().st_size > MOST_PREVIOUS_BYTES:
            return {}
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def run_once(options, now):
    out = pathlib.Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    source = probes.Prometheus(options.prometheus, options.timeout)
    status = probes.status(source, options.job, options.stale, now, previous(out / "status.json"))
    write_atomically(out / "status.json", json.dumps(status, indent=1, allow_nan=False) + "\n")
    write_atomically(out / "index.html", page.html(status))


def seconds(text):
    value = float(text)
    if not 0 < value < 1e6:
        raise ValueError(text)
    return value


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prometheus", required=True, help="base URL of Prometheus")
    parser.add_argument("--out", required=True, help="directory of index.html and status.json")
    parser.add_argument("--every", type=seconds, help="repeat at this interval instead of ending")
    parser.add_argument("--job", default="blackbox-internal", help="job of the probes")
    parser.add_argument("--stale", type=seconds, default=180, help="a probe older than this says nothing")
    parser.add_argument("--timeout", type=seconds, default=10, help="for all of Prometheus' answers together")
    options = parser.parse_args(arguments)
    while True:
        try:
            run_once(options, time.time())
            failed = False
        except OSError as error:
            print(f"status_page: {error}", file=sys.stderr)
            failed = True
        if options.every is None:
            return 1 if failed else 0
        time.sleep(options.every)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
