// A provider's bad five minutes, in virtual time and at full scale: missions become due at a steady rate, their
// calls go through the parts that the LLM client is made of, and runs come back as the planner would let
// them. What is counted is what the provider sees.
#include "actors/llm_client/endpoint_guard.hpp"
#include "actors/llm_client/retry_budget.hpp"
#include "actors/planner/run_outcome.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <queue>
#include <random>
#include <tuple>

namespace mana {
namespace {

using namespace std::chrono_literals;
using clock = endpoint_guard::clock;
using millis = std::chrono::milliseconds;

enum class weather : std::uint8_t { calm, limiting, limiting_for_30s, hanging, failing, gone };

constexpr auto storm_begins = 300s;
constexpr auto storm_ends = 600s;
constexpr auto dues_end = 900s;

struct scenario {
  weather storm = weather::calm;
  int per_second = 40;
  int provider_places = 60; // one more is answered 429, in calm weather too
  std::size_t max_in_flight = 64;
};

class storm {
public:
  storm(const scenario& s, unsigned seed) : scenario_(s), guard_(rules(s)), generator_(seed) {
    for (int i = 0; i < s.per_second * static_cast<int>(dues_end / 1s); ++i)
      at(start_ + i * (1'000ms / s.per_second), [this] { run(1); });
  }

  void play() {
    while (!events_.empty()) {
      auto e = events_.top();
      events_.pop();
      now_ = e.when;
      e.happens();
    }
  }

  double calls_per_success() const { return static_cast<double>(calls) / successes; }
  // Successes per second from `begin` to `end`.
  double rate(std::chrono::seconds begin, std::chrono::seconds end) const {
    int n = 0;
    for (auto second = begin; second < end; second += 1s)
      if (auto i = by_second_.find(second.count()); i != by_second_.end())
        n += i->second;
    return n / static_cast<double>((end - begin) / 1s);
  }

  int calls = 0;
  int successes = 0;
  int planned = 0;
  int failed_slots = 0;

private:
  struct event {
    clock::time_point when;
    int order;
    std::function<void()> happens;
    bool operator<(const event& other) const { return std::tie(other.when, other.order) < std::tie(when, order); }
  };
  struct waiting_call {
    unsigned run_attempt = 1;
    unsigned calls_made = 0;
    std::optional<clock::time_point> deadline;
  };

  static endpoint_rules rules(const scenario& s) {
    endpoint_rules r;
    r.max_in_flight = s.max_in_flight;
    return r;
  }

  void at(clock::time_point when, std::function<void()> happens) { events_.push({when, ++order_, std::move(happens)}); }
  double random() { return std::uniform_real_distribution<double>{0, 1}(generator_); }

  weather now_is() const {
    bool stormy = now_ >= start_ + storm_begins && now_ < start_ + storm_ends;
    return stormy ? scenario_.storm : weather::calm;
  }

  void run(unsigned attempt) {
    queue_.push_back({attempt, 0, {}});
    fill_places();
  }

  void fill_places() {
    while (!queue_.empty()) {
      auto view = guard_.at(now_);
      auto& c = queue_.front();
      auto deadline = c.deadline.value_or(now_ + retry_.total);
      if (view.state == endpoint_state::busy)
        return;
      if (view.state == endpoint_state::resting && view.until < deadline)
        return look_again(view.until);
      auto call = c;
      queue_.pop_front();
      if (view.state == endpoint_state::ready) {
        call.deadline = deadline;
        send(call);
      } else {
        auto code = view.state == endpoint_state::resting ? errc::llm_rate_limited : errc::llm_circuit_open;
        come_back(call,
                  {code, "retry_after="
                             + std::to_string(std::chrono::ceil<std::chrono::seconds>(view.until - now_).count())});
      }
    }
  }

  void look_again(clock::time_point when) {
    if (looks_at_ && *looks_at_ <= when)
      return;
    looks_at_ = when;
    at(when, [this] {
      looks_at_.reset();
      fill_places();
    });
  }

  void send(waiting_call c) {
    ++calls;
    ++c.calls_made;
    auto permit = guard_.admit(now_);
    auto sent_in = now_is();
    auto [takes, report] = reply(sent_in);
    bool holds_place = report.what == attempt_class::ok;
    in_provider_ += holds_place ? 1 : 0;
    at(std::min(now_ + takes, *c.deadline), [this, c, permit, report = report, holds_place] {
      in_provider_ -= holds_place ? 1 : 0;
      ended(c, permit, report);
    });
  }

  std::pair<millis, attempt_report> reply(weather w) {
    auto bad = [](attempt_class what, circuit_event seen, errc code, std::optional<std::chrono::seconds> after = {}) {
      return attempt_report{what, seen, attempt_failure{{code, ""}, true, after}};
    };
    switch (w) {
      case weather::calm: break;
      case weather::limiting:
        return {5ms, bad(attempt_class::rate_limited, circuit_event::neutral, errc::llm_rate_limited)};
      case weather::limiting_for_30s:
        return {5ms, bad(attempt_class::rate_limited, circuit_event::neutral, errc::llm_rate_limited, 30s)};
      case weather::hanging: return {60s, bad(attempt_class::timeout, circuit_event::failure, errc::llm_timeout)};
      case weather::failing: return {20ms, bad(attempt_class::server_error, circuit_event::failure, errc::llm_failed)};
      case weather::gone: return {1ms, bad(attempt_class::connect, circuit_event::failure, errc::llm_unreachable)};
    }
    if (in_provider_ >= scenario_.provider_places)
      return {5ms, bad(attempt_class::rate_limited, circuit_event::neutral, errc::llm_rate_limited)};
    return {200ms, {attempt_class::ok, circuit_event::success, completion{}}};
  }

  void ended(const waiting_call& c, endpoint_guard::permit permit, const attempt_report& report) {
    if (report.what == attempt_class::ok)
      budget_.succeeded();
    else
      budget_.failed();
    guard_.ended(permit, report, budget_.allows_exploring(), now_, random());
    if (report.what == attempt_class::ok) {
      ++successes;
      ++planned;
      ++by_second_[std::chrono::floor<std::chrono::seconds>(now_ - start_).count()];
    } else {
      auto left = std::chrono::duration_cast<millis>(*c.deadline - now_);
      auto decision = decide_retry(retry_.rules, c.calls_made, std::get<attempt_failure>(report.outcome),
                                   {left, budget_.allows_retry(), false, random()});
      if (auto* again = std::get_if<retry_in>(&decision))
        at(now_ + again->delay, [this, c] {
          queue_.push_back(c);
          fill_places();
        });
      else
        come_back(c, std::get<failure>(decision));
    }
    fill_places();
  }

  void come_back(const waiting_call& c, const failure& why) {
    auto verdict = judge(why, c.run_attempt, after_slot::as_planned, {}, random());
    if (verdict->how == run_end::failed) {
      ++failed_slots;
      return;
    }
    auto attempt = c.run_attempt + (verdict->how == run_end::retry ? 1 : 0);
    at(now_ + verdict->retry_after, [this, attempt] { run(attempt); });
  }

  const scenario scenario_;
  const clock::time_point start_{1'000s};
  clock::time_point now_ = start_;
  endpoint_guard guard_;
  retry_budget budget_;
  struct {
    retry_rules rules;
    std::chrono::seconds total{120};
  } retry_;
  std::deque<waiting_call> queue_;
  std::optional<clock::time_point> looks_at_;
  int in_provider_ = 0;
  std::map<std::int64_t, int> by_second_;
  std::priority_queue<event> events_;
  int order_ = 0;
  std::mt19937 generator_;
};

class provider_storm_test : public testing::TestWithParam<std::pair<const char*, weather>> {};

TEST_P(provider_storm_test, costs_at_most_a_fifth_more_calls_and_is_over_within_a_minute) {
  scenario s;
  s.storm = GetParam().second;
  for (unsigned seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    storm model{s, seed};
    model.play();
    EXPECT_LE(model.calls_per_success(), 1.2) << model.calls << " calls, " << model.successes << " successes";
    EXPECT_GE(model.rate(storm_ends + 60s, storm_ends + 120s), 0.9 * model.rate(storm_begins - 60s, storm_begins));
    EXPECT_GE(model.rate(storm_ends + 60s, dues_end), 0.9 * model.rate(storm_begins - 60s, storm_begins));
    EXPECT_EQ(model.planned + model.failed_slots, s.per_second * (dues_end / 1s)) << "every slot ends";
    EXPECT_LE(model.failed_slots, 100) << "a storm is no reason to give up";
  }
}

INSTANTIATE_TEST_SUITE_P(weathers, provider_storm_test,
                         testing::Values(std::pair{"limiting", weather::limiting},
                                         std::pair{"limiting_for_30s", weather::limiting_for_30s},
                                         std::pair{"hanging", weather::hanging}, std::pair{"failing", weather::failing},
                                         std::pair{"gone", weather::gone}),
                         [](const auto& p) { return std::string{p.param.first}; });

// More work than the provider takes, for a quarter of an hour: what it refuses is the price of finding its limit.
TEST(provider_capacity_test, is_found_and_used) {
  for (int places : {1, 4, 20}) {
    SCOPED_TRACE(places);
    scenario s;
    s.provider_places = places;
    s.per_second = places * 5 * 6 / 5; // 120 % of what it can do
    storm model{s, 1};
    model.play();
    EXPECT_LE(model.calls, 1.2 * model.successes + retry_budget::at_start) << model.successes << " successes";
    EXPECT_GE(model.rate(100s, dues_end), 0.85 * places * 5);
  }
}

} // namespace
} // namespace mana
