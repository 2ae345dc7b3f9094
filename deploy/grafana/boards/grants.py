"""What is opened of encrypted records, and its audit."""

from boards.panels import dashboard, graph, number, row
from boards.queries import in_range, quantiles, rate, rates_by

BOARD = dashboard(
    "mana-ai-grants",
    "Grants and decrypts",
    "What the service opens of users' encrypted records, and that each decrypt was recorded before it was used.",
    row(
        "What must not happen",
        number(
            "Reads outside of a grant",
            "short",
            "Records that a mission asked for and its grant does not cover, in the dashboard's range. Any is a "
            "defect or an attack: nothing was decrypted, find out why it was asked.",
            in_range("mana_ai_grant_scope_violations_total{@}"),
            (1,),
            width=6,
            runbooks=("scope-violation",),
        ),
        number(
            "Runs without their audit",
            "short",
            "Runs whose decrypts could not be recorded within AUDIT_TIMEOUT_MS, in the dashboard's range: the "
            "decrypted text was dropped.",
            in_range("mana_ai_audit_unavailable_total{@}"),
            (1, 10),
            width=6,
            runbooks=("audit-unavailable",),
        ),
        number(
            "Refusals of vaults without a record",
            "short",
            "Refused uses of vaults that could not be written to the vaults' audit, in the dashboard's range.",
            in_range("mana_ai_vault_unrecorded_total{@}"),
            (1,),
            width=6,
            runbooks=("vault-use-unrecorded",),
        ),
        number(
            "Since the last maintenance",
            "s",
            "Maintenance makes the audit's months ahead and drops expired ones, daily. Two days without it want an "
            "operator.",
            "time() - max(mana_ai_maintenance_last_success_timestamp_seconds{@} > 0)",
            (90000, 172800),
            width=6,
            runbooks=("maintenance-overdue",),
        ),
    ),
    row(
        "Grants",
        graph(
            "Fields decrypted",
            "ops",
            "By table, over all missions with a grant.",
            rates_by("mana_ai_decrypts_total", "table"),
            stacked=True,
        ),
        graph(
            "Grants not used, by reason",
            "ops",
            "Such missions run on what is readable without their grant. `not-configured`: the runner has no private "
            "key; `wrap-rejected`: another key, or an edited grant; `malformed` and `wrap-rejected` in numbers are "
            "an attack or a bad deploy.",
            rates_by("mana_ai_grant_skips_total", "reason"),
            runbooks=("grants-refused",),
        ),
        graph(
            "Reads outside of a grant, by table",
            "ops",
            "Zero. See the number above.",
            rates_by("mana_ai_grant_scope_violations_total", "table"),
        ),
        graph(
            "Runs stopped by a withdrawal",
            "ops",
            "Runs in flight whose grant was replaced or withdrawn, or whose account is gone; their results were "
            "discarded.",
            (
                'sum by (outcome) (rate(mana_ai_run_outcomes_total{@,outcome=~"revoked|account_deleted"}[@]))',
                "{{outcome}}",
            ),
        ),
        graph(
            "Uses of vaults",
            "ops",
            "By action and outcome: grants issued, keys fetched, rotations, and what was refused.",
            ("sum by (action, outcome) (rate(mana_ai_vault_attempts_total{@}[@]))", "{{action}} {{outcome}}"),
        ),
    ),
    row(
        "Audit",
        graph(
            "Time to record decrypts",
            "s",
            "How long a run waited until its audit rows were committed, or given up.",
            *quantiles("mana_ai_audit_duration_seconds"),
            runbooks=("audit-unavailable",),
        ),
        graph(
            "Audit rows",
            "ops",
            "Rows and the commits that held them: under load many rows share one.",
            rate("mana_ai_audit_rows_total", "rows"),
            rate("mana_ai_audit_commits_total", "commits"),
            runbooks=("audit-mismatch",),
        ),
        graph(
            "Rows per commit",
            "short",
            "How many rows share one commit. One at a time is fine while few arrive.",
            (
                "sum(rate(mana_ai_audit_rows_total{@}[@])) / sum(rate(mana_ai_audit_commits_total{@}[@]))",
                "rows per commit",
            ),
        ),
        graph(
            "Maintenance",
            "ops",
            "Attempts that failed, and months of audit rows that were dropped because their retention is over.",
            rate("mana_ai_maintenance_failures_total", "failures"),
            rate("mana_ai_audit_partitions_dropped_total", "months dropped"),
        ),
    ),
)
