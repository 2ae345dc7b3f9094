"""Expressions that many panels share, in the notation of panels.py. Pairs are an expression and its legend."""

QUANTILES = ((0.5, "p50"), (0.9, "p90"), (0.99, "p99"))


def quantiles(metric, labels="", by=""):
    """Pairs for the quantiles of a histogram; `by`: for each value of a label."""
    groups, legend = (f"le, {by}", f"{{{{{by}}}}} ") if by else ("le", "")
    return [
        (f"histogram_quantile({q}, sum by ({groups}) (rate({metric}_bucket{{@{labels}}}[@])))", legend + name)
        for q, name in QUANTILES
    ]


def worst(metric, by):
    """The 99th percentile for each value of a label."""
    return quantiles(metric, by=by)[2]


def mean(metric, by):
    total, count = (f"sum by ({by}) (rate({metric}_{part}{{@}}[@]))" for part in ("sum", "count"))
    return (f"{total} / {count}", f"{{{{{by}}}}}")


def rate(metric, legend):
    return (f"sum(rate({metric}{{@}}[@]))", legend)


def rates_by(metric, by):
    return (f"sum by ({by}) (rate({metric}{{@}}[@]))", f"{{{{{by}}}}}")


def per_instance(metric):
    return (f"sum by (instance) ({metric}{{@}})", "{{instance}}")


def in_range(series):
    """By how much a counter grew within the dashboard's range."""
    return f"sum(increase({series}[$__range]))"


def share(part, whole):
    return f"{in_range(part)} / {in_range(whole)}"


def in_groups(what):
    """What each group of users took within the dashboard's range."""
    return f"sum by (group) (increase(mana_ai_user_group_{what}_total{{@}}[$__range]))"
