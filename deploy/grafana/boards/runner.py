"""Whether due missions get their plans in time."""

from boards.panels import dashboard, graph, number, row
from boards.queries import mean, per_instance, quantiles, rate, rates_by, share, worst

BOARD = dashboard(
    "mana-ai-runner",
    "Runner overview",
    "Whether due missions get their plans in time, and what stands in the way.",
    row(
        "Service level",
        number(
            "Planned within a minute of the slot",
            "percentunit",
            "Share of the plans in the dashboard's range that were committed at most 60 s after they were due. "
            "Slots that waited for their user (a review, a spent budget) count as late, too.",
            share('mana_ai_due_to_planned_seconds_bucket{@,le="60"}', 'mana_ai_due_to_planned_seconds_count{@}'),
            (0.95, 0.99),
            falling=True,
        ),
        number(
            "Slots that ended in a plan",
            "percentunit",
            "Of the slots that ended in the dashboard's range, those with a plan; the others ended as a failed "
            "iteration that tells the user why.",
            share(
                'mana_ai_run_outcomes_total{@,outcome="planned"}',
                'mana_ai_run_outcomes_total{@,outcome=~"planned|failed"}',
            ),
            (0.95, 0.99),
            falling=True,
        ),
        number(
            "Oldest mission that could run",
            "s",
            "For how long the first mission in the line has waited for a free place. Well above a few seconds the "
            "replicas are full, or do not claim.",
            "max(mana_ai_oldest_claimable_age_seconds{@})",
            (10, 60),
            runbooks=("missions-wait",),
        ),
        number(
            "Runs in flight",
            "short",
            "Missions that are being planned now, on all replicas.",
            "sum(mana_ai_runs_in_flight{@})",
        ),
        number(
            "Quarantined missions",
            "short",
            "Missions that ended their runner again and again and wait for an operator: `mana-ai missions "
            "quarantined` lists them, `mana-ai missions release` puts one back.",
            "max(mana_ai_quarantined_missions{@})",
            (1,),
            runbooks=("missions-quarantined",),
        ),
        number(
            "Processes",
            "short",
            "Processes that are scraped with success, of all targets.",
            "count(mana_ai_process_start_time_seconds{@})",
            (1,),
            falling=True,
            runbooks=("service-down",),
        ),
        graph(
            "From slot to plan",
            "s",
            "From the time that a mission was due to its committed plan, by the database's clock, retries included.",
            *quantiles("mana_ai_due_to_planned_seconds"),
            runbooks=("missions-wait",),
        ),
        graph(
            "Runs by outcome",
            "ops",
            "What runs came to. `retry` and `parked` run again; `failed` ends the slot with a reason for the user; "
            "`lease_lost` means that another replica has the mission.",
            rates_by("mana_ai_run_outcomes_total", "outcome"),
            stacked=True,
        ),
        graph(
            "Backlog: oldest mission that could run",
            "s",
            "As each replica saw it at its last claim. A line that climbs everywhere means too little room; on one "
            "replica alone, that this one has stopped claiming.",
            ("max by (instance) (mana_ai_oldest_claimable_age_seconds{@})", "{{instance}}"),
        ),
        graph(
            "Runs in flight by replica",
            "short",
            "Uneven for long: a replica does not claim, or its runs hang. The limit per process is MAX_RUNS.",
            per_instance("mana_ai_runs_in_flight"),
            stacked=True,
        ),
    ),
    row(
        "Stages of a run",
        graph(
            "Time per stage, 99th percentile",
            "s",
            "read: the inputs; audit: until the record of the decrypts is committed; llm: all calls of the run, "
            "waiting for a place included; write: until the end of the run is committed.",
            worst("mana_ai_run_stage_duration_seconds", "stage"),
        ),
        graph(
            "Time per stage, mean",
            "s",
            "Where a run spends its time on average; stacked, so the top is the mean run.",
            mean("mana_ai_run_stage_duration_seconds", "stage"),
            stacked=True,
        ),
        graph(
            "Plans",
            "ops",
            "Plans that the parser accepted, plans that were committed, and answers that were no valid plan. The first "
            "two differ for as long as writing fails.",
            rate("mana_ai_plans_produced_total", "produced"),
            rate("mana_ai_plans_written_back_total", "written"),
            rate("mana_ai_parse_failures_total", "answers rejected"),
            rate("mana_ai_mission_errors_total", "runs with an error"),
            runbooks=("parse-failures",),
        ),
        graph(
            "Ticks",
            "s",
            "Duration of a tick with all its missions. Due times and changes wake the scheduler besides.",
            *quantiles("mana_ai_tick_duration_seconds"),
        ),
    ),
    row(
        "Processes",
        graph(
            "CPU",
            "percentunit",
            "Cores in use, by process.",
            ("sum by (instance) (rate(mana_ai_process_cpu_seconds_total{@}[@]))", "{{instance}}"),
            width=8,
        ),
        graph(
            "Resident memory",
            "bytes",
            "Memory by process; a run in flight takes about 25 kB.",
            per_instance("mana_ai_process_resident_memory_bytes"),
            width=8,
        ),
        graph(
            "Open file descriptors",
            "short",
            "Connections and files by process.",
            per_instance("mana_ai_process_open_fds"),
            width=8,
        ),
        graph(
            "Time since start",
            "s",
            "A line that falls to zero is a restart; the blue marks say the same.",
            ("time() - max by (instance) (mana_ai_process_start_time_seconds{@})", "{{instance}}"),
            width=8,
        ),
        graph(
            "Ticks per second",
            "ops",
            "Ticks by process: none for longer than TICK_INTERVAL_MS means that it hangs or is told not to tick.",
            ("sum by (instance) (rate(mana_ai_ticks_total{@}[@]))", "{{instance}}"),
            width=8,
            runbooks=("tick-stalled",),
        ),
    ),
)
