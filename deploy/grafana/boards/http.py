"""Requests to all targets, and sync."""

from boards.panels import dashboard, graph, number, row
from boards.queries import in_range, per_instance, quantiles, rate, rates_by, share

# Ticks and LLM calls take as long as what they wait for.
QUICK = ',path!~"/internal/tick|.*/chat/completions"'
# The 503 of /ready is information.
ANSWERED = 'mana_ai_http_requests_total{@,path!="/ready"}'
FAILED = 'mana_ai_http_requests_total{@,path!="/ready",status=~"5.."}'

BOARD = dashboard(
    "mana-ai-http",
    "HTTP",
    "Requests to all targets, and sync.",
    row(
        "Now",
        number(
            "Requests",
            "reqps",
            "Per second, probes and scrapes included.",
            "sum(rate(mana_ai_http_requests_total{@}[@]))",
        ),
        number(
            "Answered without an error of ours",
            "percentunit",
            "Share of the requests in the dashboard's range that were not answered with 5xx. /ready is left out: "
            "its 503 is information.",
            f"1 - ({in_range(FAILED)} or vector(0)) / {in_range(ANSWERED)}",
            (0.99, 0.999),
            falling=True,
            runbooks=("not-ready",),
        ),
        number(
            "Requests below 250 ms",
            "percentunit",
            "Share of the requests in the dashboard's range, without ticks and LLM calls, which take as long as "
            "they take.",
            share(
                'mana_ai_http_request_duration_seconds_bucket{@,le="0.25"' + QUICK + "}",
                "mana_ai_http_request_duration_seconds_count{@" + QUICK + "}",
            ),
            (0.95, 0.99),
            falling=True,
        ),
        number(
            "Open WebSockets",
            "short",
            "Of signed-in users, on all processes. The limit per process is MAX_SOCKETS.",
            "sum(mana_ai_sync_sockets{@})",
        ),
        number(
            "Rows pushed",
            "ops",
            "Changes of clients appended to the log, per second.",
            "sum(rate(mana_ai_sync_rows_pushed_total{@}[@]))",
        ),
        number(
            "Rows pulled",
            "ops",
            "Rows of the log sent to clients, per second.",
            "sum(rate(mana_ai_sync_rows_pulled_total{@}[@]))",
        ),
    ),
    row(
        "Requests",
        graph(
            "Requests by status",
            "reqps",
            "By status code.",
            rates_by("mana_ai_http_requests_total", "status"),
            stacked=True,
        ),
        graph(
            "Requests by route",
            "reqps",
            "The ten busiest routes; a path is the route's pattern.",
            ("topk(10, sum by (method, path) (rate(mana_ai_http_requests_total{@}[@])))", "{{method}} {{path}}"),
            stacked=True,
        ),
        graph(
            "Errors by route",
            "reqps",
            "5xx, and 4xx of clients that ask for what they may not or what is not there. 401 in numbers: tokens "
            "that expired, or somebody who tries.",
            (
                'topk(10, sum by (method, path, status) (rate(mana_ai_http_requests_total{@,status=~"[45].."}[@])))',
                "{{method}} {{path}} {{status}}",
            ),
        ),
        graph(
            "Time to answer",
            "s",
            "All routes but ticks and LLM calls.",
            *quantiles("mana_ai_http_request_duration_seconds", QUICK),
        ),
        graph(
            "Slowest routes, 99th percentile",
            "s",
            "The ten slowest.",
            (
                "topk(10, histogram_quantile(0.99, sum by (le, method, path) "
                "(rate(mana_ai_http_request_duration_seconds_bucket{@}[@]))))",
                "{{method}} {{path}}",
            ),
        ),
        graph(
            "Sign-in",
            "reqps",
            "Standalone sign-in by route and status. Many 401 on login: somebody guesses passwords.",
            (
                'sum by (path, status) (rate(mana_ai_http_requests_total{@,path=~"/api/v1/auth/.*"}[@]))',
                "{{path}} {{status}}",
            ),
        ),
    ),
    row(
        "Sync",
        graph(
            "Rows",
            "ops",
            "Pushed: appended to the log. Repeated: pushed again by clients that had not heard the answer. Pulled: "
            "sent to clients.",
            rate("mana_ai_sync_rows_pushed_total", "pushed"),
            rate("mana_ai_sync_rows_repeated_total", "repeated"),
            rate("mana_ai_sync_rows_pulled_total", "pulled"),
        ),
        graph(
            "Notices and messages",
            "ops",
            "Notices of committed changes from the database, and the messages to WebSockets that they led to.",
            rate("mana_ai_sync_notices_total", "notices"),
            rate("mana_ai_sync_messages_total", "messages"),
        ),
        graph("Open WebSockets", "short", "By process.", per_instance("mana_ai_sync_sockets")),
        graph(
            "WebSockets closed, by why",
            "ops",
            "`slow`: did not read; `refused`: over a limit; `expired`: the token ended, the client comes back with "
            "a new one.",
            rates_by("mana_ai_sync_sockets_closed_total", "reason"),
        ),
    ),
)
