#include "actors/llm_client/circuit_breaker.hpp"

namespace mana {

namespace {

circuit_state enter(circuit_phase phase, const circuit_state& from) {
  circuit_state s;
  s.phase = phase;
  s.generation = from.generation + 1;
  return s;
}

circuit_state open_circuit(const circuit_rules& rules, const circuit_state& from, circuit_time now) {
  auto s = enter(circuit_phase::open, from);
  s.open_until = now + rules.open_for;
  return s;
}

circuit_state record_closed(const circuit_rules& rules, circuit_state s, circuit_event event, circuit_time now) {
  if (event == circuit_event::success && s.failures > 0)
    --s.failures;
  if (event != circuit_event::failure)
    return s;
  if (now - s.last_failure > rules.window)
    s.failures = 0;
  ++s.failures;
  s.last_failure = now;
  return s.failures >= rules.failure_threshold ? open_circuit(rules, s, now) : s;
}

circuit_state record_probe(const circuit_rules& rules, circuit_state s, circuit_event event, circuit_time now) {
  switch (event) {
    case circuit_event::success:
    case circuit_event::neutral: return enter(circuit_phase::closed, s);
    case circuit_event::failure: return open_circuit(rules, s, now);
    case circuit_event::abandoned: break;
  }
  if (s.probes > 0)
    --s.probes;
  return s;
}

} // namespace

bool refuses(const circuit_rules& rules, const circuit_state& state, circuit_time now) {
  switch (state.phase) {
    case circuit_phase::closed: return false;
    case circuit_phase::open: return now < state.open_until;
    case circuit_phase::half_open: return state.probes >= rules.half_open_probes;
  }
  return false;
}

circuit_admission admit(const circuit_rules& rules, circuit_state state, circuit_time now) {
  if (refuses(rules, state, now))
    return {state, std::nullopt};
  if (state.phase == circuit_phase::open)
    state = enter(circuit_phase::half_open, state);
  if (state.phase == circuit_phase::half_open)
    ++state.probes;
  return {state, circuit_permit{state.generation}};
}

circuit_state record(const circuit_rules& rules, circuit_state state, circuit_permit permit, circuit_event event,
                     circuit_time now) {
  if (permit.generation != state.generation)
    return state;
  switch (state.phase) {
    case circuit_phase::closed: return record_closed(rules, state, event, now);
    case circuit_phase::half_open: return record_probe(rules, state, event, now);
    case circuit_phase::open: break; // no permit is given while open
  }
  return state;
}

} // namespace mana
