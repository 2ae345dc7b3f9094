#include "actors/llm_client/retry_policy.hpp"

#include <gtest/gtest.h>

namespace mana {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::seconds;

const retry_rules rules{4, 500ms, 3'000ms};

attempt_failure server_error() { return {{errc::llm_failed, "status 500"}, true, std::nullopt}; }
attempt_failure limited(seconds after) { return {{errc::llm_rate_limited, "status 429"}, true, after}; }

std::optional<milliseconds> delay(const retry_decision& d) {
  if (const auto* r = std::get_if<retry_in>(&d))
    return r->delay;
  return std::nullopt;
}
failure why(const retry_decision& d) {
  const auto* f = std::get_if<failure>(&d);
  return f != nullptr ? *f : failure{};
}

retry_chances within(milliseconds left, double random) {
  retry_chances c;
  c.left = left;
  c.random = random;
  return c;
}

TEST(retry_policy, backs_off_exponentially_with_full_jitter) {
  struct {
    unsigned attempts;
    double random;
    milliseconds expected;
  } cases[] = {{1, 0.0, 0ms},     {1, 0.5, 250ms}, {1, 0.998, 499ms}, {2, 0.5, 500ms},
               {3, 0.5, 1'000ms}, {3, 0.0, 0ms},   {2, 1.0, 1'000ms}, {1, -1.0, 0ms}};
  for (const auto& c : cases)
    EXPECT_EQ(delay(decide_retry(rules, c.attempts, server_error(), within(60s, c.random))), c.expected)
        << c.attempts << " " << c.random;
}

TEST(retry_policy, the_backoff_has_a_ceiling) {
  retry_rules many{100, 500ms, 3'000ms};
  EXPECT_EQ(delay(decide_retry(many, 4, server_error(), within(60s, 0.5))), 1'500ms);
  EXPECT_EQ(delay(decide_retry(many, 90, server_error(), within(60s, 0.5))), 1'500ms);
}

TEST(retry_policy, the_last_attempt_ends_the_call_with_its_own_error) {
  EXPECT_TRUE(delay(decide_retry(rules, 3, server_error(), within(60s, 0))));
  EXPECT_EQ(why(decide_retry(rules, 4, server_error(), within(60s, 0))), (failure{errc::llm_failed, "status 500"}));
  EXPECT_EQ(why(decide_retry(rules, 4, limited(2s), within(60s, 0))),
            (failure{errc::llm_rate_limited, "status 429 retry_after=2"}));
}

TEST(retry_policy, what_cannot_be_retried_ends_the_call_at_once) {
  attempt_failure refused{{errc::llm_refused, "status 401"}, false, std::nullopt};
  EXPECT_EQ(why(decide_retry(rules, 1, refused, within(60s, 0))), refused.why);
}

TEST(retry_policy, retry_after_is_a_lower_bound) {
  EXPECT_EQ(delay(decide_retry(rules, 1, limited(7s), within(60s, 0.0))), 7'000ms);
  EXPECT_EQ(delay(decide_retry(rules, 1, limited(7s), within(60s, 0.5))), 7'250ms);
  EXPECT_EQ(delay(decide_retry(rules, 1, limited(0s), within(60s, 0.5))), 250ms);
}

TEST(retry_policy, retry_after_beyond_the_deadline_ends_the_call_now) {
  EXPECT_EQ(why(decide_retry(rules, 1, limited(60s), within(60s, 0))),
            (failure{errc::llm_rate_limited, "status 429 retry_after=60"}));
  auto unavailable = limited(3600s);
  unavailable.why = {errc::llm_failed, "status 503"};
  EXPECT_EQ(why(decide_retry(rules, 1, unavailable, within(60s, 0))),
            (failure{errc::llm_rate_limited, "status 503 retry_after=3600"}));
  EXPECT_EQ(why(decide_retry(rules, 1, limited(0s), within(-5ms, 0))).code, errc::llm_rate_limited);
}

TEST(retry_policy, the_backoff_on_top_of_retry_after_never_passes_the_deadline) {
  EXPECT_EQ(delay(decide_retry(rules, 1, limited(7s), within(7'100ms, 0.9))), 7'000ms);
}

TEST(retry_policy, a_backoff_beyond_the_deadline_ends_the_call_with_the_attempts_error) {
  EXPECT_EQ(why(decide_retry(rules, 1, server_error(), within(250ms, 0.5))), (failure{errc::llm_failed, "status 500"}));
  EXPECT_EQ(why(decide_retry(rules, 1, server_error(), within(0ms, 0.0))).code, errc::llm_failed);
  EXPECT_EQ(delay(decide_retry(rules, 1, server_error(), within(251ms, 0.5))), 250ms);
}

TEST(retry_policy, another_endpoint_is_asked_at_once) {
  auto chances = within(60s, 0.5);
  chances.elsewhere = true;
  EXPECT_EQ(delay(decide_retry(rules, 1, server_error(), chances)), 0ms);
  EXPECT_EQ(delay(decide_retry(rules, 1, limited(3600s), chances)), 0ms);
  EXPECT_EQ(why(decide_retry(rules, 4, server_error(), chances)), server_error().why) << "within the attempts";
  chances.left = 0ms;
  EXPECT_EQ(why(decide_retry(rules, 1, server_error(), chances)), server_error().why) << "within the deadline";
}

TEST(retry_policy, some_failures_are_retried_elsewhere_only) {
  attempt_failure untrusted{{errc::llm_unreachable, "certificate"}, false, std::nullopt, true};
  auto chances = within(60s, 0.5);
  EXPECT_EQ(why(decide_retry(rules, 1, untrusted, chances)), untrusted.why);
  chances.elsewhere = true;
  EXPECT_EQ(delay(decide_retry(rules, 1, untrusted, chances)), 0ms);
}

TEST(retry_policy, a_spent_budget_ends_the_call) {
  auto chances = within(60s, 0.5);
  chances.affordable = false;
  EXPECT_EQ(why(decide_retry(rules, 1, server_error(), chances)),
            (failure{errc::llm_retries_spent, "llm_failed: status 500"}));
  EXPECT_EQ(why(decide_retry(rules, 1, limited(7s), chances)),
            (failure{errc::llm_retries_spent, "llm_rate_limited: status 429 retry_after=7"}));
}

TEST(retry_policy, a_spent_budget_hides_no_error_that_ends_the_call_anyway) {
  auto chances = within(60s, 0.5);
  chances.affordable = false;
  attempt_failure garbage{{errc::llm_answer_invalid, "choices: missing"}, true, std::nullopt};
  EXPECT_EQ(why(decide_retry(rules, 1, garbage, chances)), garbage.why);
  EXPECT_EQ(why(decide_retry(rules, 4, server_error(), chances)), server_error().why);
  EXPECT_EQ(why(decide_retry(rules, 1, limited(3600s), chances)).code, errc::llm_rate_limited);
}

const std::chrono::sys_seconds now = std::chrono::sys_days{std::chrono::year{2024} / 2 / 28} + 23h;

TEST(retry_after, seconds) {
  EXPECT_EQ(parse_retry_after("0", now), 0s);
  EXPECT_EQ(parse_retry_after("120", now), 120s);
  EXPECT_EQ(parse_retry_after(" 5 ", now), 5s);
  EXPECT_EQ(parse_retry_after("99999999999999999999", now), 720h);
  EXPECT_EQ(parse_retry_after("4000000", now), 720h);
}

TEST(retry_after, date) {
  EXPECT_EQ(parse_retry_after("Wed, 28 Feb 2024 23:00:30 GMT", now), 30s);
  EXPECT_EQ(parse_retry_after("Thu, 29 Feb 2024 00:00:00 GMT", now), 3600s);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), 0s);
  EXPECT_EQ(parse_retry_after("Fri, 31 Dec 9999 23:59:59 GMT", now), 720h);
}

TEST(retry_after, anything_else_is_absent) {
  for (auto text : {"", " ", "-1", "1.5", "+3", "soon", "5s", "Wed, 28 Feb 2024 23:00:30 CET",
                    "Wed, 30 Feb 2024 23:00:30 GMT", "Wed, 28 Fab 2024 23:00:30 GMT", "Xyz, 28 Feb 2024 23:00:30 GMT",
                    "Wed, 28 Feb 2024 24:00:30 GMT", "Wed, 28 Feb 2024 23:60:30 GMT", "Wed, -8 Feb 2024 23:00:30 GMT",
                    "Wednesday, 28-Feb-24 23:00:30 GMT", "Wed, 28 Feb 2024 23:00:30 GMT trailing"})
    EXPECT_EQ(parse_retry_after(text, now), std::nullopt) << text;
}

} // namespace
} // namespace mana
