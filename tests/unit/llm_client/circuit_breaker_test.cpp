#include "actors/llm_client/circuit_breaker.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace mana {
namespace {

using namespace std::chrono_literals;

struct circuit_test : testing::Test {
  circuit_rules rules{3, 30s, 10s, 1};
  circuit_state state;
  circuit_time now{1000s};

  std::optional<circuit_permit> ask() {
    auto a = admit(rules, state, now);
    state = a.state;
    return a.permit;
  }
  void tell(circuit_permit p, circuit_event e) { state = record(rules, state, p, e, now); }
  void call(circuit_event e) {
    auto p = ask();
    ASSERT_TRUE(p);
    tell(*p, e);
  }
  void open() {
    for (unsigned i = 0; i < rules.failure_threshold; ++i)
      call(circuit_event::failure);
    ASSERT_EQ(state.phase, circuit_phase::open);
  }
  circuit_permit half_open() {
    open();
    now += rules.open_for;
    auto p = ask();
    EXPECT_TRUE(p);
    EXPECT_EQ(state.phase, circuit_phase::half_open);
    return p.value_or(circuit_permit{});
  }
};

TEST_F(circuit_test, stays_closed_below_the_threshold) {
  call(circuit_event::failure);
  call(circuit_event::failure);
  EXPECT_EQ(state.phase, circuit_phase::closed);
  EXPECT_FALSE(refuses(rules, state, now));
}

TEST_F(circuit_test, opens_at_the_threshold_and_refuses_until_its_time_is_over) {
  open();
  EXPECT_TRUE(refuses(rules, state, now));
  EXPECT_FALSE(ask());
  now += rules.open_for - 1ms;
  EXPECT_FALSE(ask());
  EXPECT_EQ(state.phase, circuit_phase::open);
  now += 1ms;
  EXPECT_FALSE(refuses(rules, state, now));
  EXPECT_EQ(state.phase, circuit_phase::open) << "looking changes nothing";
}

TEST_F(circuit_test, a_success_takes_one_failure_away) {
  call(circuit_event::success); // nothing to take away
  EXPECT_EQ(state.failures, 0u);
  for (int i = 0; i < 20; ++i) {
    call(circuit_event::failure);
    call(circuit_event::success);
  }
  EXPECT_EQ(state.phase, circuit_phase::closed);
  call(circuit_event::failure);
  call(circuit_event::failure);
  call(circuit_event::success);
  call(circuit_event::failure);
  EXPECT_EQ(state.phase, circuit_phase::closed);
  call(circuit_event::failure);
  EXPECT_EQ(state.phase, circuit_phase::open);
}

TEST_F(circuit_test, neutral_and_abandoned_count_nothing_while_closed) {
  call(circuit_event::failure);
  call(circuit_event::failure);
  auto before = state;
  for (int i = 0; i < 10; ++i) {
    call(circuit_event::neutral);
    call(circuit_event::abandoned);
  }
  EXPECT_EQ(state, before);
}

TEST_F(circuit_test, failures_older_than_the_window_are_forgotten) {
  call(circuit_event::failure);
  call(circuit_event::failure);
  now += rules.window + 1ms;
  call(circuit_event::failure);
  EXPECT_EQ(state.phase, circuit_phase::closed);
  EXPECT_EQ(state.failures, 1u);
  now += rules.window; // exactly the window still counts
  call(circuit_event::failure);
  EXPECT_EQ(state.failures, 2u);
}

TEST_F(circuit_test, half_open_lets_one_probe_through) {
  half_open();
  EXPECT_TRUE(refuses(rules, state, now));
  EXPECT_FALSE(ask());
  EXPECT_EQ(state.probes, 1u);
}

TEST_F(circuit_test, half_open_lets_as_many_probes_through_as_the_rules_say) {
  rules.half_open_probes = 2;
  half_open();
  EXPECT_TRUE(ask());
  EXPECT_FALSE(ask());
}

TEST_F(circuit_test, an_answered_probe_closes) {
  for (auto e : {circuit_event::success, circuit_event::neutral}) {
    state = {};
    auto probe = half_open();
    tell(probe, e);
    EXPECT_EQ(state.phase, circuit_phase::closed);
    EXPECT_EQ(state.failures, 0u);
  }
}

TEST_F(circuit_test, a_failed_probe_opens_again) {
  auto probe = half_open();
  now += 5s;
  tell(probe, circuit_event::failure);
  EXPECT_EQ(state.phase, circuit_phase::open);
  EXPECT_EQ(state.open_until, now + 2 * rules.open_for);
}

TEST_F(circuit_test, an_abandoned_probe_makes_room_for_the_next) {
  auto probe = half_open();
  tell(probe, circuit_event::abandoned);
  EXPECT_EQ(state.phase, circuit_phase::half_open);
  EXPECT_EQ(state.probes, 0u);
  EXPECT_TRUE(ask());
}

TEST_F(circuit_test, permits_of_an_earlier_phase_are_ignored) {
  std::vector<circuit_permit> early;
  for (int i = 0; i < 4; ++i)
    early.push_back(*ask());
  open();
  const circuit_event all[] = {circuit_event::success, circuit_event::failure, circuit_event::neutral,
                               circuit_event::abandoned};
  auto opened = state;
  for (std::size_t i = 0; i < early.size(); ++i)
    tell(early[i], all[i]);
  EXPECT_EQ(state, opened);

  now += rules.open_for;
  auto probe = ask();
  ASSERT_TRUE(probe);
  auto probing = state;
  for (auto e : all)
    tell(early.front(), e);
  EXPECT_EQ(state, probing) << "only the probe speaks for the endpoint";

  tell(*probe, circuit_event::success);
  auto closed = state;
  tell(*probe, circuit_event::failure); // a second report of one permit
  tell(early.front(), circuit_event::failure);
  EXPECT_EQ(state, closed);
}

TEST_F(circuit_test, a_permit_that_was_never_given_changes_nothing) {
  open();
  auto before = state;
  for (auto e : {circuit_event::success, circuit_event::failure, circuit_event::neutral, circuit_event::abandoned}) {
    tell(circuit_permit{state.generation}, e);
    tell(circuit_permit{state.generation + 1}, e);
  }
  EXPECT_EQ(state, before);
}

TEST_F(circuit_test, opens_for_twice_as_long_after_each_failed_probe) {
  rules.open_max = 35s;
  open();
  for (auto lasts : {10s, 20s, 35s, 35s}) {
    EXPECT_EQ(admits_at(state) - now, lasts);
    now = admits_at(state);
    call(circuit_event::failure);
  }
}

TEST_F(circuit_test, a_random_part_is_taken_off_an_opening) {
  for (unsigned i = 0; i < rules.failure_threshold; ++i)
    state = record(rules, state, *ask(), circuit_event::failure, now, 0.5);
  EXPECT_EQ(admits_at(state) - now, 8'750ms);
}

TEST_F(circuit_test, an_endpoint_that_fails_again_at_once_goes_on_where_it_was) {
  tell(half_open(), circuit_event::failure);
  now = admits_at(state);
  call(circuit_event::success);
  ASSERT_EQ(state.phase, circuit_phase::closed);
  for (unsigned i = 0; i < rules.failure_threshold; ++i)
    call(circuit_event::failure);
  EXPECT_EQ(admits_at(state) - now, 30s);
  now = admits_at(state);
  call(circuit_event::success);
  for (unsigned i = 0; i < rules.failure_threshold; ++i)
    call(circuit_event::success);
  open();
  EXPECT_EQ(admits_at(state) - now, 10s) << "unless it worked for a while";
}

TEST_F(circuit_test, a_probe_without_an_answer_makes_room_for_the_next) {
  auto first = half_open();
  EXPECT_EQ(admits_at(state) - now, 20s);
  now += 20s - 1ms;
  EXPECT_FALSE(ask());
  now += 1ms;
  auto second = ask();
  ASSERT_TRUE(second);
  tell(first, circuit_event::failure);
  EXPECT_EQ(state.phase, circuit_phase::half_open) << "the other one may be answered yet";
  tell(*second, circuit_event::success);
  EXPECT_EQ(state.phase, circuit_phase::closed);
}

TEST_F(circuit_test, the_last_probe_under_way_decides) {
  auto first = half_open();
  now = admits_at(state);
  auto second = ask();
  ASSERT_TRUE(second);
  tell(*second, circuit_event::failure);
  EXPECT_EQ(state.phase, circuit_phase::half_open);
  tell(first, circuit_event::failure);
  EXPECT_EQ(state.phase, circuit_phase::open);
  EXPECT_GT(admits_at(state) - now, 20s) << "a late probe counts as a failed one";
}

} // namespace
} // namespace mana
