"""Grafana's JSON for what the other modules describe.

Expressions there are shorter than PromQL: `{@}` is the filter by the dashboard's variables, `{@,le="1"}` the same with
more, and `[@]` the window for rates. Each series counts once per process: one that serves several targets, as after
deploy/up.sh, is scraped under several jobs.
"""

import re

SCOPE = 'namespace=~"$namespace",instance=~"$instance"'
COLUMNS = 24
ANY_START = "mana_ai_process_start_time_seconds"  # exported by every target, so it lists all of them
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}

SELECTOR = r'mana_ai_\w+\{@(?:[^"{}]|"[^"]*")*\}'
GROWTH = re.compile(r"(?:rate|increase)\(" + SELECTOR + r"\[[^\]]+\]\)")
LEVEL = re.compile(SELECTOR + r"(?!\[)")


def promql(short):
    for series in (GROWTH, LEVEL):
        short = series.sub(r"max without (job, target) (\g<0>)", short)
    return short.replace("{@", "{" + SCOPE).replace("[@]", "[$__rate_interval]")


def graph(title, unit, description, *queries, width=12, stacked=False, runbooks=()):
    """A panel over time. Queries are pairs of an expression and a legend."""
    custom = {"fillOpacity": 25 if stacked else 8, "showPoints": "never"}
    if stacked:
        custom["stacking"] = {"mode": "normal", "group": "A"}
    options = {
        "legend": {"displayMode": "table", "placement": "bottom", "calcs": ["mean", "max", "lastNotNull"]},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    defaults = {"unit": unit, "min": 0, "custom": custom}
    return panel("timeseries", title, description, queries, (width, 8), defaults, options, runbooks)


def number(title, unit, description, query, limits=(), falling=False, width=4, runbooks=()):
    """One number. It turns yellow, then red, at the limits; falling: when it is below them."""
    steps = [{"color": "red" if falling else "green", "value": None}]
    colours = ["yellow", "green"] if falling else ["yellow", "red"]
    if len(limits) == 1:
        colours = ["green"] if falling else ["red"]
    steps += [{"color": colour, "value": limit} for colour, limit in zip(colours, limits)]
    options = {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "value",
        "graphMode": "area",
    }
    defaults = {"unit": unit, "thresholds": {"mode": "absolute", "steps": steps}}
    return panel("stat", title, description, [(query, "")], (width, 4), defaults, options, runbooks)


def panel(kind, title, description, queries, size, defaults, options, runbooks):
    targets = [
        {
            "refId": chr(ord("A") + i),
            "datasource": DATASOURCE,
            "expr": promql(expression),
            "legendFormat": legend,
            "range": True,
        }
        for i, (expression, legend) in enumerate(queries)
    ]
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": DATASOURCE,
        "gridPos": {"w": size[0], "h": size[1]},
        "targets": targets,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": options,
        "links": [
            {"title": f"Runbook: {name}", "url": f"${{runbooks}}/{name}.md", "targetBlank": True} for name in runbooks
        ],
    }


def row(title, *panels):
    return [{"type": "row", "title": title, "collapsed": False, "panels": []}, *panels]


def placed(rows):
    """All panels with their ids and places: from left to right, as many beside each other as there is room for."""
    out, x, y, height = [], 0, 0, 0
    for one in (p for r in rows for p in r):
        size = one.get("gridPos", {"w": COLUMNS, "h": 1})
        if x + size["w"] > COLUMNS:
            x, y, height = 0, y + height, 0
        out.append({"id": len(out) + 1, **one, "gridPos": {"x": x, "y": y, **size}})
        x, height = x + size["w"], max(height, size["h"])
    return out


def variable(name, label, query):
    return {
        "type": "query",
        "name": name,
        "label": label,
        "datasource": DATASOURCE,
        "query": {"query": query, "refId": name},
        "definition": query,
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        # Also what has no such label: outside of Kubernetes there is no namespace.
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }


def variables():
    return [
        {"type": "datasource", "name": "datasource", "label": "Data source", "query": "prometheus", "current": {}},
        variable("namespace", "Namespace", f"label_values({ANY_START}, namespace)"),
        variable("instance", "Instance", f'label_values({ANY_START}{{namespace=~"$namespace"}}, instance)'),
        runbooks(),
    ]


def runbooks():
    """Where they are: one value, which nobody chooses."""
    choice = {"multi": False, "includeAll": False, "current": {}, "hide": 2}
    out = {**variable("runbooks", "Runbooks", "label_values(mana_ai:runbooks, url)"), **choice}
    del out["allValue"]
    return out


def annotations():
    builtin = {
        "builtIn": 1,
        "datasource": {"type": "grafana", "uid": "-- Grafana --"},
        "enable": True,
        "hide": True,
        "iconColor": "rgba(0, 211, 255, 1)",
        "name": "Annotations & Alerts",
        "type": "dashboard",
    }
    # The first five minutes of every process: a rolling deploy shows as one mark per replica, a crash as one.
    starts = {
        "name": "Deploys and restarts",
        "datasource": DATASOURCE,
        "enable": True,
        "iconColor": "blue",
        "expr": promql(f"{ANY_START}{{@}} > time() - 300"),
        "step": "60s",
        "titleFormat": "Process started",
        "textFormat": "{{instance}}",
        "tagKeys": "namespace,instance",
    }
    return {"list": [builtin, starts]}


def dashboard(uid, title, description, *rows):
    return {
        "uid": uid,
        "title": f"Mana AI / {title}",
        "description": description,
        "tags": ["mana-ai"],
        "schemaVersion": 38,
        "version": 1,
        "editable": False,
        "timezone": "browser",
        "time": {"from": "now-3h", "to": "now"},
        "refresh": "30s",
        "graphTooltip": 1,
        "templating": {"list": variables()},
        "annotations": annotations(),
        "links": [
            {
                "type": "dashboards",
                "title": "Mana AI",
                "tags": ["mana-ai"],
                "asDropdown": True,
                "includeVars": True,
                "keepTime": True,
                "targetBlank": False,
                "icon": "external link",
                "url": "",
                "tooltip": "",
            }
        ],
        "panels": placed(rows),
    }
