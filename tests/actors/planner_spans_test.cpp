// The spans of a run's stages: one for each time a stage is timed, under the run's.
#include "tests/actors/planner_fixture.hpp"

namespace mana::test {

namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

struct planner_spans_test : planner_test {
  planner_spans_test() {
    tracer_ = tracing::tracer{tracing::trace_id_ratio_sampler{1}, [](ended_span&&) {}};
    root_ = tracer_.start();
  }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (auto& s : stages_)
      out.emplace_back(s.name);
    return out;
  }
  std::chrono::microseconds sum_of(std::string_view name) const {
    std::chrono::nanoseconds sum{0};
    for (auto& s : stages_)
      sum += s.name == name ? s.took : 0ns;
    return std::chrono::duration_cast<std::chrono::microseconds>(sum);
  }
};

TEST_F(planner_spans_test, are_children_of_the_runs_span) {
  start(R"({"id":"m1","title":"Teeth","objective":"healthy","state":"active","iterations":[],
            "cadence":{"kind":"manual"},"inputs":[{"module":"goals","table":"companionGoals","id":"g1"}]})");
  EXPECT_THAT(names(), ElementsAre("read", "llm", "write"));
  for (auto& s : stages_) {
    EXPECT_EQ(s.span.context.trace, root_.context.trace);
    EXPECT_EQ(s.span.parent, root_.context.span);
    EXPECT_EQ(s.error, std::nullopt);
  }
  EXPECT_EQ(report().span.context, root_.context);
  EXPECT_THAT(asked_from_, ElementsAre(stages_[1].span.context));
}

TEST_F(planner_spans_test, each_question_to_the_llm_is_one) {
  llm_.answers = {chat_answer{"no", 1, {}, 0, 0}, chat_answer{"plan b", 1, {}, 0, 0}};
  start();
  EXPECT_THAT(names(), ElementsAre("llm", "llm", "write"));
  EXPECT_THAT(asked_from_, ElementsAre(stages_[0].span.context, stages_[1].span.context));
  EXPECT_NE(asked_from_[0].span, asked_from_[1].span);
}

TEST_F(planner_spans_test, say_what_failed_and_add_up_to_the_report) {
  config_.between_writes = {.least = 1s, .base = 1s, .max = 1s};
  writer_.answers = {failure{errc::database_unavailable, ""}, run_ended{true}};
  llm_.silent = false;
  start();
  advance(2s);
  EXPECT_THAT(names(), ElementsAre("llm", "write", "write"));
  EXPECT_EQ(stages_[1].error, errc::database_unavailable);
  EXPECT_EQ(stages_[2].error, std::nullopt);
  expect_end(run_end::planned, std::nullopt);
  EXPECT_EQ(report().write, sum_of("write"));
  EXPECT_EQ(report().llm, sum_of("llm"));
}

TEST_F(planner_spans_test, of_a_call_that_fails_have_its_code) {
  llm_.answers = {failure{errc::llm_refused, "status 400"}};
  start();
  EXPECT_EQ(stages_[0].name, "llm");
  EXPECT_EQ(stages_[0].error, errc::llm_refused);
}

} // namespace

} // namespace mana::test
