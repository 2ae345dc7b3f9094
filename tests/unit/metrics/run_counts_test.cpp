// What a finished run and a tab's call come to in the metrics.
#include "actors/supervisor/runner_observers.hpp"
#include "infra/metrics/series.hpp"
#include "infra/metrics/user_group.hpp"

#include <gtest/gtest.h>

using namespace std::chrono_literals;

namespace mana {

namespace {

struct run_counts : testing::Test {
  void ended(run_finished run) { observers_.run_ended(std::move(run)); }
  static run_finished planned(const std::string& user) {
    run_finished run;
    run.held = {{{user}, {"m1"}}, {"token"}};
    run.attempt = 1;
    run.ended = run_end::planned;
    run.written = run.plan_produced = true;
    run.due_to_claimed = 2s;
    run.due_to_ended = 3s;
    run.tokens = 100;
    return run;
  }
  prometheus::ClientMetric::Histogram due_to_planned() { return scheduler_.due_to_planned.Collect().histogram; }

  metrics::registry registry_;
  trouble_log_ptr troubles_ = std::make_shared<trouble_log>();
  scheduler_observers observers_ = observe_scheduler(registry_, troubles_);
  metrics::scheduler_metrics scheduler_{registry_};
  metrics::user_group_metrics groups_{registry_};
};

TEST_F(run_counts, a_committed_plan_is_measured_from_its_slot) {
  ended(planned("anna"));
  EXPECT_EQ(due_to_planned().sample_count, 1u);
  EXPECT_EQ(due_to_planned().sample_sum, 3);
}

TEST_F(run_counts, what_is_no_plan_is_not) {
  auto failed = planned("anna");
  failed.ended = run_end::failed;
  ended(failed);
  auto known_already = planned("anna");
  known_already.written = false;
  ended(known_already);
  run_finished died;
  died.held = {{{"anna"}, {"m1"}}, {"token"}};
  died.error = errc::internal;
  ended(died);
  EXPECT_EQ(due_to_planned().sample_count, 0u);
}

TEST_F(run_counts, every_run_counts_for_its_users_group) {
  ended(planned("anna"));
  auto again = planned("anna");
  again.due_to_claimed = 0s;
  ended(again);
  ended(planned("ben"));
  auto anna = metrics::user_group("anna");
  EXPECT_EQ(groups_.runs[anna].Value(), 2);
  EXPECT_EQ(groups_.tokens[anna].Value(), 200);
  EXPECT_EQ(groups_.wait_seconds[anna].Value(), 2);
  EXPECT_EQ(groups_.runs[metrics::user_group("ben")].Value(), 1);
  EXPECT_EQ(groups_.runs["other"].Value(), 0);
}

TEST_F(run_counts, tokens_of_a_tab_count_for_its_users_group) {
  observe_llm_proxy(registry_, troubles_).tokens_used(user_id{"anna"}, 7);
  EXPECT_EQ(groups_.tokens[metrics::user_group("anna")].Value(), 7);
  EXPECT_EQ(metrics::planner_metrics{registry_}.tokens.Value(), 7);
}

} // namespace

} // namespace mana
