#include "actors/llm_client/endpoint_guard.hpp"

#include <algorithm>
#include <cmath>

namespace mana {

namespace {

using std::chrono::milliseconds;

constexpr double forgiven_per_success = 0.1;
constexpr milliseconds longest_rest = std::chrono::days{1};

limit_event limit_event_of(attempt_class c) {
  switch (c) {
    case attempt_class::ok: return limit_event::success;
    case attempt_class::rate_limited: return limit_event::refused;
    case attempt_class::server_error:
    case attempt_class::timeout:
    case attempt_class::connect:
    case attempt_class::transport: return limit_event::trouble;
    case attempt_class::refused_4xx:
    case attempt_class::invalid:
    case attempt_class::too_large:
    case attempt_class::cancelled: return limit_event::unrelated;
  }
  return limit_event::unrelated;
}

milliseconds retry_after(const attempt_report& report) {
  const auto* problem = std::get_if<attempt_failure>(&report.outcome);
  if (problem == nullptr || !problem->retry_after)
    return milliseconds{0};
  return std::min<milliseconds>(*problem->retry_after, longest_rest);
}

} // namespace

endpoint_view endpoint_guard::at(clock::time_point now) const {
  if (refuses(rules_.circuit, circuit_, now))
    return {endpoint_state::failing, admits_at(circuit_)};
  if (now < rests_until_)
    return {endpoint_state::resting, rests_until_};
  bool is_probe = circuit_.phase != circuit_phase::closed;
  return {is_probe || limit_.has_place() ? endpoint_state::ready : endpoint_state::busy};
}

endpoint_guard::permit endpoint_guard::admit(clock::time_point now) {
  auto admission = mana::admit(rules_.circuit, circuit_, now);
  circuit_ = admission.state;
  if (circuit_.phase != circuit_phase::closed)
    limit_.write_off();
  return {admission.permit.value_or(circuit_permit{}), limit_.take()};
}

void endpoint_guard::ended(permit p, const attempt_report& report, bool may_explore, clock::time_point now,
                           double random) {
  circuit_ = record(rules_.circuit, circuit_, p.circuit, report.for_circuit, now, random);
  // A first long Retry-After may concern this call alone, and then says nothing about load either.
  bool of_this_call = retry_after(report) >= rules_.total_timeout && long_rests_asked_ == 0;
  auto for_limit = of_this_call ? limit_event::unrelated : limit_event_of(report.what);
  bool in_a_row = limit_.give_back(p.place, for_limit, may_explore);
  if (report.what == attempt_class::ok) {
    strictness_ = std::max(0.0, strictness_ - forgiven_per_success);
    long_rests_asked_ = 0;
  } else if (report.what == attempt_class::rate_limited || retry_after(report) > milliseconds{0}) {
    refused(report, in_a_row, now, random);
  }
}

void endpoint_guard::refused(const attempt_report& report, bool in_a_row, clock::time_point now, double random) {
  auto rest = retry_after(report);
  if (rest >= rules_.total_timeout && ++long_rests_asked_ < 2)
    rest = milliseconds{0};
  if (in_a_row && report.what == attempt_class::rate_limited) {
    ++strictness_;
    auto backoff = static_cast<double>(rules_.rest_base.count()) * std::exp2(std::min(strictness_ - 1, 30.0));
    backoff = std::min(backoff, static_cast<double>(rules_.rest_max.count())) * (1 - random / 4);
    rest = std::max(rest, milliseconds{static_cast<milliseconds::rep>(backoff)});
  }
  rests_until_ = std::max(rests_until_, now + rest);
}

} // namespace mana
