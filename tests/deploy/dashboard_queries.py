#!/usr/bin/env python3
"""Checks the dashboards, and every query of theirs and of the rules against a Prometheus under load.

  dashboard_queries.py form                        the JSON alone: ids, titles, units, descriptions, data sources, names
  dashboard_queries.py ask URL SECONDS             all queries over the last so many seconds
  dashboard_queries.py expression UID TITLE        the first query of a panel, variables replaced

Prints `ok <check>` or `FAIL <check>: why` for each; exit code 1 when one failed.
"""

import json
import math
import pathlib
import re
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
GRAFANA = ROOT / "deploy" / "grafana"
RUNBOOKS = ROOT / "deploy" / "runbooks"
EXEMPT = pathlib.Path(__file__).with_name("zero_by_design.txt")
# The unit tests compare this file with what the code exports.
EXPORTED = ROOT / "tests" / "unit" / "metrics" / "series.golden"

RATE_WINDOW = 8  # seconds: eight scrapes of the test's interval
STRING = r'"(?:[^"\\]|\\.)*"'
# A string by itself comes first, so that nothing in it is taken for a name.
SELECTOR = re.compile(STRING + r"|(?<![\w:$])([a-zA-Z_:][\w:]*)\s*(\{(?:[^\"{}]|" + STRING + r")*\})?")
GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
WORDS = {"and", "or", "unless", "bool", "offset", "by", "without", "on", "ignoring", "group_left", "group_right"}

failures = 0


def verdict(name, wrong, note=""):
    global failures
    failures += bool(wrong)
    print(f"FAIL {name}: {wrong}" if wrong else f"ok {name}{note}", flush=True)


def boards():
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted((GRAFANA / "dashboards").glob("*.json"))]


def panels(board):
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def queries():
    """(name, expression) of everything that a dashboard asks, variables and annotations included."""
    for board in boards():
        for panel in panels(board):
            for target in panel["targets"]:
                yield f"{board['uid']} / {panel['title']} / {target['refId']}", target["expr"]
        for annotation in board["annotations"]["list"]:
            if "expr" in annotation:
                yield f"{board['uid']} / annotation {annotation['name']}", annotation["expr"]
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                series, label = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"]).groups()
                if label != "namespace":  # which only Kubernetes gives
                    yield f"{board['uid']} / variable {variable['name']}", f"count by ({label}) ({series})"


def replaced(expression, seconds):
    """As Grafana sends it with everything selected."""
    for name, value in {
        "$__rate_interval": f"{RATE_WINDOW}s",
        "$__range": f"{seconds}s",
        "$namespace": ".*",
        "$instance": ".*",
    }.items():
        expression = expression.replace(name, value)
    return expression


def selectors(expression):
    """(metric, selector) of the series that an expression reads."""
    bare = GROUPING.sub(" ", re.sub(r"#.*", "", expression))
    bare = re.sub(r"\[[^\]]*\]|\boffset\s+\w+", " ", bare)
    out = {}
    for match in SELECTOR.finditer(bare):
        name, labels = match.groups()
        if name is None:
            continue
        follows = bare[match.end() :].lstrip()[:1] if labels is None else ""
        is_number = re.fullmatch(r"(?i)inf|nan|[\d.]+[smhdwy]?", name)
        if name not in WORDS and not is_number and not (follows == "(" and labels is None):
            out[name + (labels or "")] = name
    return [(name, whole) for whole, name in out.items()]


# -- form ---------------------------------------------------------------------------------------------------------


def exported():
    """Every name that a query may use: those of the golden file, histograms by their parts."""
    out = set()
    for line in EXPORTED.read_text(encoding="utf-8").splitlines():
        name, kind = line.split()[:2]
        out |= {f"{name}_{part}" for part in ("bucket", "sum", "count")} if kind == "histogram" else {name}
    return out


def recorded():
    """Names of the recording rules."""
    rules = (path.read_text(encoding="utf-8") for path in (ROOT / "deploy" / "prometheus" / "rules").glob("*.yml"))
    return {name for text in rules for name in re.findall(r"- record: (\S+)", text)}


def wrong_with_panel(panel):
    for field in ("title", "description"):
        if not panel.get(field, "").strip():
            return f"no {field}"
    if not panel["fieldConfig"]["defaults"].get("unit"):
        return "no unit"
    if not panel["targets"]:
        return "no query"
    for part in (panel, *panel["targets"]):
        if part.get("datasource") != {"type": "prometheus", "uid": "${datasource}"}:
            return "a data source that is not the variable"
    if any(not target["expr"].strip() for target in panel["targets"]):
        return "an empty query"
    if len({target["refId"] for target in panel["targets"]}) < len(panel["targets"]):
        return "two queries with one name"
    for link in panel.get("links", []):
        base, _, name = link["url"].rpartition("/")
        if base != "${runbooks}" or (RUNBOOKS.is_dir() and not (RUNBOOKS / name).is_file()):
            return f"no runbook {link['url']}"
    return ""


def overlap(board):
    taken = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        if place["x"] + place["w"] > 24:
            return f"{panel['title']} is wider than the page"
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        if cells & taken:
            return f"{panel['title']} lies over another panel"
        taken |= cells
    return ""


def form():
    made = subprocess.run([sys.executable, "-B", GRAFANA / "generate.py", "--check"], stderr=subprocess.PIPE, text=True)
    verdict("dashboards are as generate.py makes them", made.returncode and made.stderr.strip())
    all_boards = boards()
    verdict("six dashboards", len(all_boards) != 6 and f"there are {len(all_boards)}")
    uids = [board["uid"] for board in all_boards]
    verdict("unique uids", len(set(uids)) < len(uids) and uids)
    titles = [board["title"] for board in all_boards]
    verdict("unique titles", len(set(titles)) < len(titles) and titles)
    names = exported()
    for board in all_boards:
        ids = [panel["id"] for panel in board["panels"]]
        wrong = len(set(ids)) < len(ids) and "two panels with one id"
        wrong = wrong or overlap(board)
        variables = [variable["name"] for variable in board["templating"]["list"]]
        wrong = wrong or (variables != ["datasource", "namespace", "instance", "runbooks"] and variables)
        verdict(f"form of {board['uid']}", wrong)
        for panel in panels(board):
            verdict(f"form of {board['uid']} / {panel['title']}", wrong_with_panel(panel))
    asked = names | recorded()
    for name, expression in queries():
        unknown = [metric for metric, _ in selectors(expression) if metric not in asked]
        unset = re.findall(r"\$\w+", replaced(expression, 60))
        verdict(f"names of {name}", (unknown and f"neither exported nor recorded: {unknown}") or (unset and f"no variable: {unset}"))
    for metric in exemptions():
        known = metric in names or not metric.startswith("mana_ai_")
        verdict(f"{metric} of {EXEMPT.name} exists", not known and "the code exports no such metric")


# -- data ---------------------------------------------------------------------------------------------------------


def exemptions():
    out = {}
    for line in EXEMPT.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, reason = line.split(maxsplit=1)
            out[name] = reason
    return out


class Prometheus:
    def __init__(self, url, seconds):
        self.url, self.seconds, self.end = url, seconds, time.time()

    def get(self, path, **parameters):
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=20) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise ValueError(json.load(error).get("error", error)) from error

    def values(self, expression):
        """All finite values that the expression had within the time of the load."""
        start = self.end - self.seconds
        found = self.get("query_range", query=expression, start=start, end=self.end, step=2)
        every = (float(value) for series in found["result"] for _, value in series["values"])
        return [value for value in every if math.isfinite(value)]


def excuse(expression, exempt):
    return next((f"{m}: {exempt[m]}" for m, _ in selectors(expression) if m in exempt), "")


def answer(prometheus, name, expression, exempt, zero_will_do=False):
    """A query has data when it gave a number, and another one than zero."""
    try:
        values = prometheus.values(expression)
    except (ValueError, OSError) as error:
        verdict(name, f"{error}: {expression}")
        return
    if any(values) or (values and zero_will_do):
        verdict(name, "")
        return
    reason = excuse(expression, exempt)
    wrong = f"{'only zeros' if values else 'no data'}: {expression}" if not reason else ""
    verdict(name, wrong, f" (zero by design, {reason})")


def ask(url, seconds):
    prometheus, exempt, names = Prometheus(url, seconds), exemptions(), exported()
    for name, expression in queries():
        answer(prometheus, name, replaced(expression, seconds), exempt)
    for group in prometheus.get("rules")["groups"]:
        for rule in group["rules"]:
            name = f"{rule['type']} rule {rule['name']}"
            unknown = [m for m, _ in selectors(rule["query"]) if m.startswith("mana_ai_") and m not in names]
            if unknown:
                verdict(name, f"neither exported nor recorded: {unknown}")
            elif rule["health"] != "ok":
                verdict(name, f"{rule['health']}: {rule.get('lastError', '')}")
            elif rule["type"] == "recording":
                if rule["name"] in exempt:
                    verdict(name, "", f" (zero by design, {exempt[rule['name']]})")
                else:
                    answer(prometheus, name, rule["query"], exempt)
            else:
                # An alert's own expression is empty while all is well: what it reads must be there.
                for _, selector in selectors(rule["query"]):
                    answer(prometheus, f"{name} / {selector}", selector, exempt, zero_will_do=True)


def expression_of(uid, title):
    board = next(b for b in boards() if b["uid"] == uid)
    panel = next(p for p in panels(board) if p["title"] == title)
    print(replaced(panel["targets"][0]["expr"], 60))


def main(arguments):
    match arguments:
        case ["form"]:
            form()
        case ["ask", url, seconds]:
            ask(url, int(seconds))
        case ["expression", uid, title]:
            expression_of(uid, title)
        case _:
            sys.exit(__doc__)
    sys.exit(bool(failures))


if __name__ == "__main__":
    main(sys.argv[1:])
