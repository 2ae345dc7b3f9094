#!/usr/bin/env python3
"""Searches the memory of a live process for what should not be there.

    memory_scan.py <pid> < patterns

Patterns come on stdin, one per line: `key <name> <hex>` and `text <name> <hex digits of a text>`; arguments would be
visible to everybody and part of somebody's memory. A key is found by either of its 16-byte halves, because a cipher's
schedule or a copy that was partly overwritten holds one of them. A text is found by any 16 successive characters of
its hex digits, so that a cut or shifted remainder counts as well.

Prints one line per hit, `<name> <what> <region> <mapping>`, then `<n> hits in <MiB> MiB`. Exit code 0: no hit,
1: hits, 3: the memory cannot be read (the process is not dumpable, and this is not root).
"""
import re
import sys

_CHUNK = 16 << 20
_WINDOW = 16
_HEX_RUN = re.compile(rb"[0-9a-f]{%d,}" % _WINDOW)
# The kernel's own pages; they cannot be read through /proc/<pid>/mem.
_NOT_MEMORY = ("[vvar", "[vsyscall]")


def read_patterns(lines):
    """({half of a key: name}, {window of a text: name})."""
    halves, windows = {}, {}
    for line in lines:
        kind, name, value = line.split()
        if kind == "key":
            key = bytes.fromhex(value)
            if len(key) != 2 * _WINDOW:
                raise ValueError(f"{name}: not a key of {2 * _WINDOW} bytes")
            halves[key[:_WINDOW]] = f"{name} first-half"
            halves[key[_WINDOW:]] = f"{name} second-half"
        elif kind == "text":
            digits = value.encode()
            if not re.fullmatch(rb"[0-9a-f]{32,}", digits):
                raise ValueError(f"{name}: not at least 32 hex digits")
            for at in range(len(digits) - _WINDOW + 1):
                windows[digits[at : at + _WINDOW]] = f"{name} text"
        else:
            raise ValueError(f"{kind}: neither key nor text")
    return halves, windows


def regions(pid):
    """(start, end, mapping) of everything readable."""
    with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as maps:
        for line in maps:
            addresses, rights, _, _, _, *mapping = line.split(maxsplit=5)
            name = mapping[0].strip() if mapping else "anonymous"
            if rights.startswith("r") and not name.startswith(_NOT_MEMORY):
                start, end = (int(a, 16) for a in addresses.split("-"))
                yield start, end, name


def chunks(memory, start, end):
    """(address, bytes); each chunk repeats the end of the one before, so that nothing is cut apart."""
    at = start
    while at < end:
        try:
            memory.seek(at)
            data = memory.read(min(_CHUNK, end - at))
        except OSError:  # unmapped meanwhile, or never touched
            return
        if not data:
            return
        yield at, data
        if at + len(data) >= end:
            return
        at += max(1, len(data) - 2 * _WINDOW)


def hits_in(data, halves, windows):
    """{offset: name}."""
    found = {}
    for half, name in halves.items():
        at = data.find(half)
        while at >= 0:
            found[at] = name
            at = data.find(half, at + 1)
    if windows:
        for run in _HEX_RUN.finditer(data):
            # The windows of one remainder are one hit.
            for at in range(run.start(), run.end() - _WINDOW + 1):
                name = windows.get(data[at : at + _WINDOW])
                if name:
                    found[at] = name
                    break
    return found


def main():
    pid = int(sys.argv[1])
    halves, windows = read_patterns(sys.stdin)
    if not halves and not windows:
        sys.exit("no patterns")
    try:
        memory = open(f"/proc/{pid}/mem", "rb", buffering=0)
    except PermissionError:
        print("the memory cannot be read")
        sys.exit(3)
    hits, size = 0, 0
    with memory:
        for start, end, mapping in regions(pid):
            seen = set()
            for address, data in chunks(memory, start, end):
                size += len(data)
                if not data.strip(b"\0"):
                    continue
                for offset, name in hits_in(data, halves, windows).items():
                    if address + offset not in seen:
                        seen.add(address + offset)
                        hits += 1
                        print(f"{name} {address + offset:x} {mapping}")
    print(f"{hits} hits in {size / (1 << 20):.0f} MiB")
    sys.exit(1 if hits else 0)


main()
