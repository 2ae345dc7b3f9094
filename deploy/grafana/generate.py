#!/usr/bin/env python3
"""Writes dashboards/*.json from boards/; --check writes nothing and exits with 1 when a file differs."""

import json
import pathlib
import sys

from boards import database, grants, http, llm, runner, tenants

BOARDS = [module.BOARD for module in (runner, grants, llm, tenants, database, http)]
TARGET = pathlib.Path(__file__).parent / "dashboards"


def texts():
    return {f"{d['uid']}.json": json.dumps(d, indent=1, ensure_ascii=False) + "\n" for d in BOARDS}


def differing(wanted):
    there = {path.name: path.read_text(encoding="utf-8") for path in TARGET.glob("*.json")}
    return sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))


def main(arguments):
    if arguments not in ([], ["--check"]):
        sys.exit("usage: generate.py [--check]")
    wanted = texts()
    names = differing(wanted)
    if arguments:
        for name in names:
            print(f"{TARGET / name} is not what generate.py makes", file=sys.stderr)
        sys.exit(bool(names))
    TARGET.mkdir(exist_ok=True)
    for name in names:
        if name in wanted:
            (TARGET / name).write_text(wanted[name], encoding="utf-8")
        else:
            (TARGET / name).unlink()


if __name__ == "__main__":
    main(sys.argv[1:])
