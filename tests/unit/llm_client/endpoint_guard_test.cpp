#include "actors/llm_client/endpoint_guard.hpp"

#include <gtest/gtest.h>

namespace mana {
namespace {

using namespace std::chrono_literals;
using clock = endpoint_guard::clock;

attempt_report good() { return {attempt_class::ok, circuit_event::success, completion{}}; }
attempt_report limited(std::optional<std::chrono::seconds> retry_after = {}) {
  return {attempt_class::rate_limited, circuit_event::neutral,
          attempt_failure{{errc::llm_rate_limited, ""}, true, retry_after}};
}
attempt_report broken() {
  return {attempt_class::server_error, circuit_event::failure, attempt_failure{{errc::llm_failed, ""}, true, {}}};
}

struct endpoint_guard_test : testing::Test {
  endpoint_rules rules = [] {
    endpoint_rules r;
    r.max_in_flight = 16;
    r.circuit = {4, 30s, 10s, 1, 30s};
    return r;
  }();
  endpoint_guard guard{rules};
  clock::time_point now{1000s};

  void call(const attempt_report& report) {
    ASSERT_EQ(guard.at(now).state, endpoint_state::ready);
    guard.ended(guard.admit(now), report, true, now, 0);
  }
  void expect_rest(std::chrono::milliseconds lasts) {
    auto view = guard.at(now);
    EXPECT_EQ(view.state, endpoint_state::resting);
    EXPECT_EQ(view.until - now, lasts);
  }
};

TEST_F(endpoint_guard_test, is_busy_at_its_limit) {
  std::vector<endpoint_guard::permit> all;
  for (std::size_t i = 0; i < rules.max_in_flight; ++i)
    all.push_back(guard.admit(now));
  EXPECT_EQ(guard.at(now).state, endpoint_state::busy);
  guard.ended(all[0], good(), true, now, 0);
  EXPECT_EQ(guard.at(now).state, endpoint_state::ready);
}

TEST_F(endpoint_guard_test, rests_as_long_as_it_was_told) {
  call(good());
  call(limited(7s));
  expect_rest(7s);
  now += 7s;
  EXPECT_EQ(guard.at(now).state, endpoint_state::ready);
}

TEST_F(endpoint_guard_test, a_rest_that_no_call_can_wait_for_must_be_told_twice_in_a_row) {
  call(good());
  call(limited(600s));
  call(good());
  call(limited(600s));
  EXPECT_EQ(guard.at(now).state, endpoint_state::ready);
  EXPECT_EQ(guard.limit().limit(), rules.max_in_flight);
  call(limited(600s));
  expect_rest(600s);
  EXPECT_LT(guard.limit().limit(), rules.max_in_flight);
}

TEST_F(endpoint_guard_test, no_rest_lasts_longer_than_a_day) {
  call(limited(std::chrono::days{30}));
  now += 1h; // the backoff of the limit is over
  call(limited(std::chrono::days{30}));
  expect_rest(24h);
}

TEST_F(endpoint_guard_test, refusals_in_a_row_make_growing_rests) {
  call(good());
  call(limited());
  EXPECT_EQ(guard.at(now).state, endpoint_state::ready) << "the first one only lowers the limit";
  for (auto rest : {500ms, 1'000ms, 2'000ms, 4'000ms, 8'000ms, 16'000ms, 20'000ms, 20'000ms}) {
    call(limited());
    expect_rest(rest);
    now += rest;
  }
  for (int i = 0; i < 30; ++i)
    call(good());
  call(limited());
  call(limited());
  EXPECT_LT(guard.at(now).until - now, 20s) << "successes make up for them";
}

TEST_F(endpoint_guard_test, refusals_never_open_the_circuit) {
  for (int i = 0; i < 100; ++i) {
    call(limited());
    now += 1min;
  }
  EXPECT_EQ(guard.phase(), circuit_phase::closed);
}

TEST_F(endpoint_guard_test, failures_open_the_circuit) {
  for (int i = 0; i < 4; ++i)
    call(broken());
  auto view = guard.at(now);
  EXPECT_EQ(view.state, endpoint_state::failing);
  EXPECT_EQ(view.until - now, 10s);
}

TEST_F(endpoint_guard_test, calls_that_hang_do_not_keep_a_probe_from_being_sent) {
  std::vector<endpoint_guard::permit> hanging;
  for (std::size_t i = 0; i < rules.max_in_flight; ++i)
    hanging.push_back(guard.admit(now));
  for (std::size_t i = 0; i < 4; ++i)
    guard.ended(hanging[i], broken(), true, now, 0);
  now += 10s;
  ASSERT_EQ(guard.at(now).state, endpoint_state::ready);
  auto probe = guard.admit(now);
  EXPECT_EQ(guard.at(now).state, endpoint_state::failing) << "one at a time";
  guard.ended(probe, good(), true, now, 0);
  EXPECT_EQ(guard.at(now).state, endpoint_state::ready) << "nor other calls after it";
  for (std::size_t i = 4; i < hanging.size(); ++i)
    guard.ended(hanging[i], broken(), true, now, 0);
  EXPECT_EQ(guard.phase(), circuit_phase::closed);
  EXPECT_EQ(guard.limit().in_flight(), 0u);
}

} // namespace
} // namespace mana
