"""(k): grants unwrapped."""

import json
import pathlib
import subprocess

from report import line, progress


def _openssl_private_operations():
    """Per second of CPU time. The last line: `rsa 2048 bits`, seconds per sign and per verify, signs and verifies per
    second; a signature is the private operation, as an unwrap is."""
    out = subprocess.run(["openssl", "speed", "-seconds", "2", "rsa2048"], check=True, capture_output=True, text=True)
    columns = out.stdout.strip().splitlines()[-1].split()
    if columns[:3] != ["rsa", "2048", "bits"]:
        raise RuntimeError(f"openssl speed says {out.stdout[-200:]}")
    return float(columns[-2])


def k(bench, _):
    progress("k: grants unwrapped")
    program = pathlib.Path(bench.binary).parent / "unwrap_bench"
    out = subprocess.run([program], check=True, capture_output=True, text=True)
    unwraps = json.loads(out.stdout)["unwraps_per_second"]
    reference = _openssl_private_operations()
    line("k", "v2 grants with one record unwrapped, its key included, per second of one core", unwraps, "grants/s",
         {"what": "openssl speed rsa2048, private operations", "value": reference, "unit": "operations/s"},
         ">= 0.8 of it", unwraps >= 0.8 * reference)
