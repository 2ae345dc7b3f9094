"""How long missions waited after their runner was killed, or told to leave."""


def after_kills(hits, lease_events, kills):
    """Seconds from the death of a runner until another one claimed the mission; two lists: of missions that lost
    their runner for the first time in a row, and of those that had lost others just before and wait longer on
    purpose. Those that were quarantined then wait for an operator and are in neither."""
    once, again = [], []
    history = _by_mission(lease_events)
    for kill in kills:
        at = int(kill.at * 1_000_000)
        for lease in hits.leases(at, kill.replica):
            later = [e for e in history[lease.user, lease.mission] if e.at > at]
            claim = next((e for e in later if e.event == "claimed"), None)
            freed = next((e for e in later if e.event == "ended"), None)
            if any(e.event == "quarantined" and claim and e.at < claim.at for e in later):
                continue
            waits = again if freed and freed.crashes > 1 else once
            waits.append((claim.at - at) / 1e6 if claim else float("inf"))
    return once, again


def after_soft_stops(hits, lease_events, stops, kills, grace_s):
    """Seconds from the end of the grace until a lease that was held then was free; one for each lease. A runner that
    was killed on its way out does not count."""
    history = _by_mission(lease_events)
    killed = {kill.replica for kill in kills}
    out = []
    for stop in stops:
        if stop.replica in killed:
            continue
        at = int((stop.at + grace_s) * 1_000_000)
        for lease in hits.leases(at, stop.replica):
            of_mission = history[lease.user, lease.mission]
            end = next((e for e in of_mission if e.event == "ended" and e.token == lease.token), None)
            out.append((end.at - at) / 1e6 if end else float("inf"))
    return out


def _by_mission(lease_events):
    out = {}
    for e in lease_events:
        out.setdefault((e.user, e.mission), []).append(e)
    return out
