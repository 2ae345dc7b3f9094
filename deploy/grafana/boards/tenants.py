"""Users and their turns."""

from boards.panels import dashboard, graph, number, row
from boards.queries import in_groups, quantiles

BUSIEST = "topk(10, sum by (group) (rate(mana_ai_user_group_{}_total{{@}}[@])) > 0)"

BOARD = dashboard(
    "mana-ai-tenants",
    "Tenants and fairness",
    "Whether a few users take most of the service, and whether the others notice. Users are shown as 64 groups by a "
    "hash of their id; infra/metrics/user_group.hpp has the query that finds the users of a group.",
    row(
        "Now",
        number(
            "Users over budget",
            "short",
            "Users who wait because their runs per hour or tokens per day are spent. An operator can raise a user's "
            "limits in mana_ai.user_limits.",
            "max(mana_ai_users_over_budget{@})",
        ),
        number(
            "Active groups",
            "short",
            "Groups of users with a run in the dashboard's range, of 64.",
            f"count({in_groups('runs')} > 0)",
        ),
        number(
            "Share of the busiest group",
            "percentunit",
            "Of all runs in the dashboard's range. With many active groups a high share means that few users do "
            "most.",
            f"max({in_groups('runs')}) / sum({in_groups('runs')})",
        ),
        number(
            "Share of tokens of the busiest group",
            "percentunit",
            "Of all LLM tokens in the dashboard's range.",
            f"max({in_groups('tokens')}) / sum({in_groups('tokens')})",
        ),
        number(
            "Unfairness of waits",
            "none",
            "The longest mean wait of a group over the mean wait of all, in the dashboard's range. Turns keep it "
            "small however much one user has due; a user who waits for their own review or budget raises it, too.",
            f"max({in_groups('wait_seconds')} / ({in_groups('runs')} > 0))"
            f" / (sum({in_groups('wait_seconds')}) / sum({in_groups('runs')}))",
        ),
        number(
            "Oldest mission that could run",
            "s",
            "For how long the first in the line has waited.",
            "max(mana_ai_oldest_claimable_age_seconds{@})",
            (10, 60),
            runbooks=("missions-wait",),
        ),
    ),
    row(
        "Top groups of users",
        graph(
            "Runs, top 10",
            "ops",
            "Runs per second of the busiest groups.",
            (BUSIEST.format("runs"), "group {{group}}"),
            stacked=True,
        ),
        graph(
            "Tokens, top 10",
            "ops",
            "LLM tokens per second of the groups that use most, runs and tabs.",
            (BUSIEST.format("tokens"), "group {{group}}"),
            stacked=True,
        ),
        graph(
            "Mean wait for a claim, top 10",
            "s",
            "From the slot to its first claim, per run, of the groups that wait longest. Waiting for a review or a "
            "budget counts.",
            (
                "topk(10, sum by (group) (rate(mana_ai_user_group_wait_seconds_total{@}[@])) / (sum by (group) "
                "(rate(mana_ai_user_group_runs_total{@}[@])) > 0))",
                "group {{group}}",
            ),
        ),
        graph(
            "Users over budget",
            "short",
            "Users whose budget is spent, over time; it falls when an hour or a day begins.",
            ("max(mana_ai_users_over_budget{@})", "users"),
        ),
    ),
    row(
        "What users wait for",
        graph(
            "From slot to plan",
            "s",
            "Of all users together, retries included.",
            *quantiles("mana_ai_due_to_planned_seconds"),
        ),
        graph(
            "Runs that did not end in a plan",
            "ops",
            "By outcome: what users see as failed, what comes back by itself, what they withdrew.",
            ('sum by (outcome) (rate(mana_ai_run_outcomes_total{@,outcome!="planned"}[@]))', "{{outcome}}"),
            stacked=True,
        ),
    ),
)
