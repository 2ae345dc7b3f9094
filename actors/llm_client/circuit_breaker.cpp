#include "actors/llm_client/circuit_breaker.hpp"

#include <algorithm>

namespace mana {

namespace {

using std::chrono::milliseconds;

circuit_state enter(circuit_phase phase, const circuit_state& from) {
  circuit_state s;
  s.phase = phase;
  s.generation = from.generation + 1;
  s.openings = from.openings;
  return s;
}

// How long the n-th opening in a row lasts at most.
milliseconds opening(const circuit_rules& rules, unsigned n) {
  auto longest = std::max(rules.open_for, rules.open_max);
  auto lasts = rules.open_for;
  for (unsigned i = 1; i < n && lasts < longest; ++i)
    lasts *= 2;
  return std::min(lasts, longest);
}

circuit_state open_circuit(const circuit_rules& rules, const circuit_state& from, circuit_time now, double random) {
  auto s = enter(circuit_phase::open, from);
  ++s.openings;
  auto lasts = std::chrono::duration<double, std::milli>{opening(rules, s.openings)} * (1 - random / 4);
  s.open_until = now + std::chrono::duration_cast<circuit_time::duration>(lasts);
  return s;
}

circuit_state record_closed(const circuit_rules& rules, circuit_state s, circuit_event event, circuit_time now,
                            double random) {
  if (event == circuit_event::success) {
    s.failures -= s.failures > 0 ? 1 : 0;
    if (s.openings > 0 && ++s.successes >= rules.failure_threshold)
      s.openings = s.successes = 0;
  }
  if (event != circuit_event::failure)
    return s;
  if (now - s.last_failure > rules.window)
    s.failures = 0;
  ++s.failures;
  s.last_failure = now;
  return s.failures >= rules.failure_threshold ? open_circuit(rules, s, now, random) : s;
}

circuit_state record_probe(const circuit_rules& rules, circuit_state s, circuit_event event, circuit_time now,
                           double random) {
  if (event == circuit_event::success || event == circuit_event::neutral)
    return enter(circuit_phase::closed, s);
  if (s.probes > 0)
    --s.probes;
  return event == circuit_event::failure && s.probes == 0 ? open_circuit(rules, s, now, random) : s;
}

} // namespace

bool refuses(const circuit_rules& rules, const circuit_state& state, circuit_time now) {
  switch (state.phase) {
    case circuit_phase::closed: return false;
    case circuit_phase::open: return now < state.open_until;
    case circuit_phase::half_open: return state.probes >= rules.half_open_probes && now < state.next_probe;
  }
  return false;
}

circuit_admission admit(const circuit_rules& rules, circuit_state state, circuit_time now) {
  if (refuses(rules, state, now))
    return {state, std::nullopt};
  if (state.phase == circuit_phase::open)
    state = enter(circuit_phase::half_open, state);
  if (state.phase == circuit_phase::half_open) {
    if (state.probes >= rules.half_open_probes) // those under way are late: as good as failed
      ++state.openings;
    ++state.probes;
    state.next_probe = now + opening(rules, state.openings + 1);
  }
  return {state, circuit_permit{state.generation}};
}

circuit_state record(const circuit_rules& rules, circuit_state state, circuit_permit permit, circuit_event event,
                     circuit_time now, double random) {
  if (permit.generation != state.generation)
    return state;
  switch (state.phase) {
    case circuit_phase::closed: return record_closed(rules, state, event, now, random);
    case circuit_phase::half_open: return record_probe(rules, state, event, now, random);
    case circuit_phase::open: break; // no permit is given while open
  }
  return state;
}

circuit_time admits_at(const circuit_state& state) {
  return state.phase == circuit_phase::half_open ? state.next_probe : state.open_until;
}

} // namespace mana
