"""The lines of the report.

  bench      letter of the measurement, and its variant
  what       what was measured
  value      the measured value, in `unit`
  reference  {what, value, unit}: measured in the same run, or the ideal where it says so
  ratio      value / reference.value
  aim, met   the aim in words and whether the value reaches it; both null where there is no aim
Further members are details; other_load is the share of the machine that neither the runner nor PostgreSQL, the
stand-in or this program used meanwhile.
"""

import json
import sys


def progress(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def percentile(values, share):
    """The smallest value that at least that share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)]


def median(values):
    return percentile(values, 0.5)


def _short(value):
    if isinstance(value, float):
        return float(f"{value:.4g}") if abs(value) < 1000 else round(value, 1)
    if isinstance(value, dict):
        return {k: _short(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_short(v) for v in value]
    return value


def line(bench, what, value, unit, reference=None, aim=None, met=None, **details):
    ratio = value / reference["value"] if reference and reference.get("value") else None
    out = {"bench": bench, "what": what, "value": value, "unit": unit, "reference": reference, "ratio": ratio}
    out |= {"aim": aim, "met": met} | details
    print(json.dumps(_short(out), ensure_ascii=False), flush=True)


def failed(bench, why):
    """A measurement that did not come to an end reaches no aim."""
    print(json.dumps({"bench": bench, "value": None, "met": False, "error": why}, ensure_ascii=False), flush=True)
