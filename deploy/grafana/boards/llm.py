"""The LLM endpoints."""

from boards.panels import dashboard, graph, number, row
from boards.queries import quantiles, rate, rates_by, share

BOARD = dashboard(
    "mana-ai-llm",
    "LLM",
    "How the endpoints do, and how the client adapts to them.",
    row(
        "Now",
        number(
            "No endpoint takes calls",
            "bool_yes_no",
            "Whether the circuits of all endpoints are open: missions wait, and nothing is lost.",
            "max(mana_ai_llm_circuit_open{@})",
            (1,),
            runbooks=("llm-circuit-open",),
        ),
        number(
            "Requests that are answered",
            "percentunit",
            "Share of the HTTP requests in the dashboard's range that brought a usable answer. Cancelled ones do "
            "not count: their run was withdrawn.",
            share('mana_ai_llm_attempts_total{@,class="ok"}', 'mana_ai_llm_attempts_total{@,class!="cancelled"}'),
            (0.9, 0.97),
            falling=True,
        ),
        number(
            "Requests per answer",
            "none",
            "HTTP requests per usable answer in the dashboard's range. The retry budget keeps it below 1.2 in a "
            "provider's bad hour.",
            share('mana_ai_llm_attempts_total{@}', 'mana_ai_llm_attempts_total{@,class="ok"}'),
            (1.2, 1.5),
        ),
        number(
            "Calls in flight",
            "short",
            "Requests under way, on all replicas and endpoints.",
            "sum(mana_ai_llm_calls_in_flight{@})",
        ),
        number(
            "Calls that wait",
            "short",
            "Calls that wait for a free place: the endpoints' limits are reached.",
            "sum(mana_ai_llm_calls_waiting{@})",
            (50, 500),
        ),
        number(
            "Tokens per hour",
            "short",
            "Prompt and completion, by runs and by users' tabs, at the rate of the dashboard's range.",
            "3600 * sum(rate(mana_ai_llm_tokens_total{@}[$__range]))",
        ),
    ),
    row(
        "Calls",
        graph(
            "Requests by outcome",
            "reqps",
            "`rate_limited`: 429; `timeout`: a deadline of ours; `connect`, `transport`: the network; `invalid`: no "
            "completion; `refused_4xx`: our request or key.",
            rates_by("mana_ai_llm_attempts_total", "class"),
            stacked=True,
            runbooks=("llm-refused",),
        ),
        graph(
            "Duration of a planner's call",
            "s",
            "As the planner sees it: waiting for a place, retries and other endpoints included.",
            *quantiles("mana_ai_planner_request_duration_seconds"),
        ),
        graph(
            "Answers that are no plan",
            "ops",
            "Answers that the parser rejected; each is asked again once with the reason. In numbers: the model or "
            "its settings changed.",
            rate("mana_ai_parse_failures_total", "rejected"),
            runbooks=("parse-failures",),
        ),
        graph("Tokens", "ops", "Prompt and completion per second.", rate("mana_ai_llm_tokens_total", "tokens")),
        graph(
            "Calls in flight and waiting",
            "short",
            "On all replicas. Waiting while few are in flight: the client has lowered its limit, see below.",
            ("sum(mana_ai_llm_calls_in_flight{@})", "in flight"),
            ("sum(mana_ai_llm_calls_waiting{@})", "waiting"),
        ),
        graph(
            "Calls not repeated",
            "ops",
            "Failed calls that were not repeated because more retries were spent than successes earned; their "
            "missions come back later.",
            rate("mana_ai_llm_retries_spent_total", "retry budget spent"),
        ),
    ),
    row(
        "Endpoints",
        graph(
            "Circuit",
            "none",
            "0 closed, 1 half open, 2 open; by endpoint, in the order of the settings. The worst of all replicas.",
            ("max by (endpoint) (mana_ai_llm_endpoint_circuit{@})", "endpoint {{endpoint}}"),
            runbooks=("llm-circuit-open",),
        ),
        graph(
            "Limit of calls at once",
            "short",
            "As adapted, summed over replicas: halved after refusals and failures, raised while calls succeed.",
            ("sum by (endpoint) (mana_ai_llm_endpoint_limit{@})", "endpoint {{endpoint}}"),
        ),
        graph(
            "In flight",
            "short",
            "Requests under way by endpoint.",
            ("sum by (endpoint) (mana_ai_llm_endpoint_in_flight{@})", "endpoint {{endpoint}}"),
        ),
        graph(
            "Calls passed on",
            "ops",
            "Calls sent to an endpoint because those before it took none.",
            rates_by("mana_ai_llm_failovers_total", "endpoint"),
        ),
    ),
)
