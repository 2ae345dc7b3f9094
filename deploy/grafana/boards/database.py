"""PostgreSQL, change capture, leases."""

from boards.panels import dashboard, graph, number, row
from boards.queries import in_range, per_instance, quantiles, rate, rates_by, worst

BOARD = dashboard(
    "mana-ai-database",
    "PostgreSQL and leases",
    "What the service asks of PostgreSQL, whether it hears of changes, and whether leases hold.",
    row(
        "Now",
        number(
            "Jobs that wait for a connection",
            "short",
            "More than a few for long: the database is slow or away, or DATABASE_CONNECTIONS is too low.",
            "sum(mana_ai_database_queue_depth{@})",
            (20, 200),
            runbooks=("database-pool-exhausted",),
        ),
        number(
            "Changes not folded yet",
            "short",
            "Entries of the dirty queue. It empties within a second; a number that grows means that no replica "
            "refreshes.",
            "max(mana_ai_dirty_rows{@})",
            (1000, 10000),
        ),
        number(
            "Replicas that hear the change log",
            "percentunit",
            "Share of the replicas whose LISTEN works. Others poll every two seconds: later, but nothing is lost.",
            "avg(mana_ai_listener_healthy{@})",
            (0.5, 1),
            falling=True,
            runbooks=("listener-deaf",),
        ),
        number(
            "Sync processes that hear the log",
            "percentunit",
            "The same for what tells open browsers of changes.",
            "avg(mana_ai_sync_listener_healthy{@})",
            (0.5, 1),
            falling=True,
            runbooks=("listener-deaf",),
        ),
        number(
            "Leases lost",
            "short",
            "Runs in the dashboard's range whose lease ended while they ran: a replica stood still, or the database "
            "was away for longer than LEASE_MS.",
            in_range("mana_ai_lease_losses_total{@}"),
            (1, 100),
            runbooks=("lease-losses",),
        ),
        number(
            "Missions quarantined",
            "short",
            "Missions that wait for an operator.",
            "max(mana_ai_quarantined_missions{@})",
            (1,),
            runbooks=("missions-quarantined",),
        ),
    ),
    row(
        "Connections and statements",
        graph(
            "Wait for a connection",
            "s",
            "From a job's arrival to a free connection.",
            *quantiles("mana_ai_database_pool_wait_seconds"),
            runbooks=("database-pool-exhausted",),
        ),
        graph("Jobs that wait", "short", "By process.", per_instance("mana_ai_database_queue_depth")),
        graph(
            "Duration of jobs, 99th percentile",
            "s",
            "By name of the job, its commit included.",
            worst("mana_ai_database_statement_seconds", "name"),
        ),
        graph(
            "Jobs",
            "ops",
            "How often each runs.",
            rates_by("mana_ai_database_statement_seconds_count", "name"),
            stacked=True,
        ),
        graph(
            "Connections in use",
            "short",
            "Seconds of database work per second, by job: what fills the pool.",
            rates_by("mana_ai_database_statement_seconds_sum", "name"),
            stacked=True,
        ),
        graph(
            "Snapshots",
            "ops",
            "Rows of the log that were folded, and the snapshots that this made or changed.",
            rate("mana_ai_snapshot_rows_applied_total", "rows folded"),
            rate("mana_ai_snapshots_new_total", "new"),
            rate("mana_ai_snapshots_updated_total", "updated"),
        ),
    ),
    row(
        "Leases",
        graph(
            "Leases lost and rescued",
            "ops",
            "Lost: the run's own lease ended. Rescued: expired leases of dead replicas and closed tabs were freed. "
            "Both rise when a replica dies or the database is away.",
            rate("mana_ai_lease_losses_total", "lost"),
            rate("mana_ai_leases_rescued_total", "rescued"),
        ),
        graph(
            "Crashes and quarantines",
            "ops",
            "Runs that ended with their planner or their whole runner, and missions that were put away for it.",
            rate("mana_ai_mission_crashes_total", "crashes"),
            rate("mana_ai_quarantines_total", "quarantines"),
        ),
        graph(
            "Changes not folded yet",
            "short",
            "The dirty queue over time.",
            ("max(mana_ai_dirty_rows{@})", "entries"),
        ),
        graph(
            "Hears the change log",
            "bool_yes_no",
            "By process: 1 while notifications are known to arrive, else the log is polled.",
            ("min by (instance) (mana_ai_listener_healthy{@})", "runner {{instance}}"),
            ("min by (instance) (mana_ai_sync_listener_healthy{@})", "sync {{instance}}"),
        ),
    ),
    row(
        "Maintenance",
        graph(
            "Since the last maintenance",
            "s",
            "By process; it runs daily, and one replica's success counts for all.",
            (
                "time() - (max by (instance) (mana_ai_maintenance_last_success_timestamp_seconds{@}) > 0)",
                "{{instance}}",
            ),
            runbooks=("maintenance-overdue",),
        ),
        graph(
            "Failed maintenance",
            "ops",
            "Attempts that failed; the log says why under `trouble` of `maintenance`.",
            rate("mana_ai_maintenance_failures_total", "failures"),
            runbooks=("maintenance-overdue",),
        ),
    ),
)
