// What each class of failure leads to, and what the user reads.
#include "actors/planner/run_outcome.hpp"

#include <gmock/gmock.h>

#include <set>
#include <vector>

namespace mana::test {

namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

std::vector<errc> all_codes() {
  std::vector<errc> out;
  for (int n = 1; n < 256; ++n)
    if (to_string(static_cast<errc>(n)) != "unknown")
      out.push_back(static_cast<errc>(n));
  return out;
}

const std::set<errc> transient{errc::database_unavailable, errc::database_overloaded,
                               errc::database_timeout,     errc::database_conflict,
                               errc::commit_in_doubt,      errc::database_refused,
                               errc::database_read_only,   errc::llm_unreachable,
                               errc::llm_timeout,          errc::llm_failed,
                               errc::llm_answer_too_large, errc::llm_answer_invalid,
                               errc::plan_rejected,        errc::internal};
const std::set<errc> parked{errc::llm_rate_limited,  errc::llm_circuit_open, errc::llm_overloaded,
                            errc::llm_retries_spent, errc::cancelled,        errc::shutting_down,
                            errc::grant_revoked};
const std::set<errc> lost{errc::lease_lost, errc::account_deleted};

const retry_policy policy;

TEST(run_outcome_test, every_code_has_its_documented_end) {
  for (auto code : all_codes()) {
    SCOPED_TRACE(to_string(code));
    for (unsigned attempt : {1u, 4u, 5u, 6u}) {
      auto verdict = judge({code, ""}, attempt, after_slot::as_planned, policy, 0.5);
      if (lost.contains(code)) {
        EXPECT_FALSE(verdict);
        continue;
      }
      ASSERT_TRUE(verdict);
      auto expected = parked.contains(code)                     ? run_end::parked
                      : transient.contains(code) && attempt < 5 ? run_end::retry
                                                                : run_end::failed;
      EXPECT_EQ(verdict->how, expected) << attempt;
      EXPECT_EQ(verdict->summary.empty(), expected != run_end::failed);
      EXPECT_EQ(verdict->retry_after > 0ms, expected != run_end::failed && code != errc::grant_revoked);
    }
  }
}

TEST(run_outcome_test, every_code_has_a_german_sentence) {
  for (auto code : all_codes()) {
    auto sentence = reason_sentence(code);
    EXPECT_THAT(std::string{sentence}, EndsWith(".")) << to_string(code);
    EXPECT_GT(sentence.size(), 20u) << to_string(code);
  }
}

TEST(run_outcome_test, summaries_say_why_and_what_comes_next) {
  auto summary = [](failure why, unsigned attempt, after_slot next) {
    return judge(why, attempt, next, policy, 0)->summary;
  };
  EXPECT_EQ(summary({errc::llm_timeout, "first byte"}, 5, after_slot::as_planned),
            "Der Sprachmodell-Dienst hat nicht rechtzeitig geantwortet. Der nächste Lauf ist wie geplant vorgesehen.");
  EXPECT_EQ(summary({errc::plan_rejected, "steps[2].toolName"}, 5, after_slot::nothing_planned),
            "Das Sprachmodell hat keinen gültigen Plan geliefert. Ein weiterer Lauf ist nicht eingeplant.");
  EXPECT_EQ(summary({errc::cadence_invalid, "cadence.atHour"}, 1, after_slot::unschedulable),
            "Der Zeitplan der Mission ist ungültig. (cadence.atHour) "
            "Weitere Läufe finden erst statt, wenn der Zeitplan korrigiert ist.");
}

TEST(run_outcome_test, spent_attempts_name_their_number_and_the_last_reason) {
  auto summary = [](unsigned attempt, std::string last_error) {
    return judge({errc::attempts_exhausted, last_error}, attempt, after_slot::as_planned, policy, 0)->summary;
  };
  EXPECT_EQ(summary(6, "llm_timeout: after 60 s"),
            "Nach 5 Versuchen aufgegeben: Der Sprachmodell-Dienst hat nicht rechtzeitig geantwortet. "
            "Der nächste Lauf ist wie geplant vorgesehen.");
  EXPECT_THAT(summary(6, "llm_refused"), HasSubstr("abgelehnt"));
  EXPECT_THAT(summary(2, ""), StartsWith("Nach 1 Versuch aufgegeben: Die Läufe wurden jedes Mal unterbrochen."));
  EXPECT_THAT(summary(6, "something else"), HasSubstr("unterbrochen"));
  EXPECT_THAT(summary(0, "unknown"), HasSubstr("unterbrochen"));
}

TEST(run_outcome_test, long_details_are_cut_between_characters) {
  std::string detail = "x";
  for (int i = 0; i < 500; ++i)
    detail += "ü";
  auto summary = judge({errc::cadence_invalid, detail}, 1, after_slot::unschedulable, policy, 0)->summary;
  EXPECT_LT(summary.size(), 350u);
  EXPECT_THAT(summary, HasSubstr("ü) "));
}

TEST(run_outcome_test, retries_back_off) {
  auto delay = [](unsigned attempt, double random) {
    return judge({errc::llm_failed, ""}, attempt, after_slot::as_planned, policy, random)->retry_after;
  };
  for (unsigned attempt = 1; attempt < 5; ++attempt) {
    auto bound = 10s * (1 << (attempt - 1));
    EXPECT_EQ(delay(attempt, 0), 1s);
    EXPECT_LE(delay(attempt, 0.999), bound);
    EXPECT_GT(delay(attempt, 0.999), bound * 9 / 10);
  }
}

TEST(run_outcome_test, pauses_of_parked_runs) {
  auto pause = [](failure why, double random) {
    return judge(why, 5, after_slot::as_planned, policy, random)->retry_after;
  };
  EXPECT_EQ(pause({errc::llm_circuit_open, ""}, 0), 30s);
  EXPECT_EQ(pause({errc::llm_circuit_open, ""}, 1), 37'500ms);
  EXPECT_EQ(pause({errc::llm_overloaded, ""}, 0), 5s);
  EXPECT_EQ(pause({errc::llm_rate_limited, "retry_after=120"}, 0), 120s);
  EXPECT_EQ(pause({errc::llm_rate_limited, "retry_after=120"}, 1), 150s);
  EXPECT_EQ(pause({errc::llm_rate_limited, "status 429"}, 0), 5s);
  EXPECT_EQ(pause({errc::llm_rate_limited, "retry_after=0"}, 0), 5s);
  EXPECT_EQ(pause({errc::llm_rate_limited, "retry_after=99999999999999999999999"}, 0), 24h);
  EXPECT_EQ(pause({errc::llm_circuit_open, "retry_after=12.345"}, 0), 12'345ms);
  EXPECT_EQ(pause({errc::llm_retries_spent, "llm_failed: status 500 retry_after=0.250"}, 0), 250ms);
  EXPECT_EQ(pause({errc::llm_retries_spent, "retry_after=0.001"}, 0), 100ms);
  EXPECT_EQ(pause({errc::cancelled, "retry_after=120"}, 0), 5s);
}

TEST(run_outcome_test, retry_after_in_details) {
  EXPECT_EQ(retry_after_of("retry_after=7"), 7s);
  EXPECT_EQ(retry_after_of("retry_after=0.250"), 250ms);
  EXPECT_EQ(retry_after_of("retry_after=1.5; later"), 1'500ms);
  EXPECT_EQ(retry_after_of("retry_after=1.23456"), 1'234ms);
  EXPECT_EQ(retry_after_of("retry_after=3."), 3s);
  EXPECT_EQ(retry_after_of("status 429, retry_after=90; later"), 90s);
  EXPECT_FALSE(retry_after_of(""));
  EXPECT_FALSE(retry_after_of("retry_after="));
  EXPECT_FALSE(retry_after_of("retry_after=-3"));
  EXPECT_FALSE(retry_after_of("retry_after=soon"));
}

TEST(run_outcome_test, names_lead_back_to_codes) {
  for (auto code : all_codes())
    EXPECT_EQ(errc_named(to_string(code)), code);
  EXPECT_FALSE(errc_named(""));
  EXPECT_FALSE(errc_named("unknown"));
  EXPECT_FALSE(errc_named("LLM_TIMEOUT"));
}

} // namespace

} // namespace mana::test
