"""status.json as one HTML page that needs nothing else: no fonts, no images, no requests."""

import html as escaping

WORDS = {"up": "Up", "down": "Down", "unknown": "Unknown"}
SIGNS = {"up": "✓", "down": "✕", "unknown": "?"}
SENTENCES = {
    "up": "All services are up.",
    "down": "A service is down.",
    "unknown": "It is not known whether all services are up.",
}
# After so long without a new page the open one says that it may be wrong.
OLD_PAGE_SECONDS = 300

STYLE = """
:root { color-scheme: light dark; --text: #1b1f24; --soft: #57606a; --page: #f6f8fa; --card: #fff; --line: #d0d7de;
  --up: #1a7f37; --down: #cf222e; --unknown: #6e5a00; --none: #b8c0c8; }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --soft: #9da7b3; --page: #0d1117; --card: #161b22;
  --line: #30363d; --up: #56d364; --down: #ff8a80; --unknown: #e3b341; --none: #484f58; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--page); margin: 0 auto;
  max-width: 46rem; padding: 2rem 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; } h3 { font-size: 1rem; margin: 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 1rem; margin: .5rem 0; }
.head { display: flex; justify-content: space-between; gap: 1rem; }
.status { font-weight: 600; white-space: nowrap; } .soft { color: var(--soft); font-size: .875rem; margin: .25rem 0 0; }
.up { color: var(--up); } .down { color: var(--down); } .unknown { color: var(--unknown); }
.overall { border-left: 6px solid currentColor; font-size: 1.1rem; }
svg { display: block; width: 100%; height: 28px; margin-top: .75rem; }
rect.up { fill: var(--up); } rect.down { fill: var(--down); } rect.part { fill: var(--unknown); }
rect.none { fill: var(--none); }
"""

# Without it a page that nobody renews would say "up" for ever.
SCRIPT = """
function check() {
  var age = Date.now() - Date.parse(document.getElementById("made").dateTime);
  var note = document.getElementById("old");
  var words = age > %d * 1000
    ? "This page is " + Math.floor(age / 60000) + " minutes old: what it says may be wrong." : "";
  if (note.textContent !== words) note.textContent = words;
  note.hidden = !words;
}
check();
setInterval(check, 10000);
"""


def text(value):
    return escaping.escape(str(value), quote=True)


def ago(seconds):
    if seconds < 120:
        return f"{seconds} s ago"
    if seconds < 7200:
        return f"{seconds // 60} minutes ago"
    return f"{seconds // 3600} hours ago"


def percent(share):
    # Never rounded up to 100: that would hide an outage.
    return "100 %" if share == 1 else f"{min(99.99, share * 100):.2f} %"


def kind(share):
    return "none" if share is None else "up" if share == 1 else "down" if share == 0 else "part"


def bar(service):
    """A day as one strip; its text says what the colours say."""
    history = service["history"]
    if not history:
        return '<p class="soft">No data of the last 24 hours.</p>'
    counts = {name: sum(kind(share) == name for share in history) for name in ("up", "part", "down", "none")}
    words = (
        f"Availability of the last 24 hours: {percent(service['availability24h'])} of the checks. Quarters of an hour: "
        f"{counts['up']} up, {counts['part']} partly up, {counts['down']} down, {counts['none']} without data."
    )
    strips = "".join(
        f'<rect class="{kind(share)}" x="{i * 4}" y="0" width="3" height="28"/>' for i, share in enumerate(history)
    )
    return (
        f'<svg role="img" aria-label="{text(words)}" viewBox="0 0 {len(history) * 4 - 1} 28"'
        f' preserveAspectRatio="none">{strips}</svg>'
        f'<p class="soft">24 hours: {percent(service["availability24h"])} of the checks'
        + (f", {counts['none']} of {len(history)} quarters of an hour without data" if counts["none"] else "")
        + ".</p>"
    )


def facts(service):
    out = [text(service["why"])] if service["why"] else []
    if service["checkedAt"]:
        said = "" if service["status"] == service["lastStatus"] else f" said {WORDS[service['lastStatus']].lower()}"
        moment = f'<time datetime="{text(service["checkedAt"])}">{text(service["checkedAt"])}</time>'
        out.append(f"Last check{said}: {ago(service['ageSeconds'])}, {moment}.")
    else:
        out.append("No check is known.")
    if service["durationSeconds"] is not None:
        out.append(f"It took {service['durationSeconds'] * 1000:.0f} ms.")
    return " ".join(out)


def card(service):
    status = service["status"]
    instance = service["instance"]
    where = "" if instance in ("", service["name"]) else f'<p class="soft">{text(instance)}</p>'
    return (
        f'<section class="card"><div class="head"><h3>{text(service["name"])}</h3>'
        f'<span class="status {status}"><span aria-hidden="true">{SIGNS[status]}</span> {WORDS[status]}</span></div>'
        f'{where}<p class="soft">{facts(service)}</p>{bar(service)}</section>'
    )


def html(status):
    problem = ""
    if not status["source"]["ok"]:
        problem = (
            f'<p class="card unknown" role="status">Prometheus has no answer: {text(status["source"]["error"])}. '
            "What is not known is shown as unknown.</p>"
        )
    groups = "".join(
        f"<h2>{text(group['name'])}</h2>" + "".join(card(service) for service in group["services"])
        for group in status["groups"]
    )
    more = f'<p class="soft">{status["notShown"]} more are not shown.</p>' if status["notShown"] else ""
    made = text(status["generatedAt"])
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{WORDS[status["overall"]]}: status of the services</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>Status</h1>
<p class="card overall {status["overall"]}"><span aria-hidden="true">{SIGNS[status["overall"]]}</span> \
{SENTENCES[status["overall"]]}</p>
<p class="card unknown" id="old" role="status" hidden></p>
{problem}{groups}{more}
</main>
<footer><p class="soft">Made at <time id="made" datetime="{made}">{made}</time>. <a href="status.json">As JSON</a></p>\
</footer>
<script>{SCRIPT % OLD_PAGE_SECONDS}</script>
</body>
</html>
"""
