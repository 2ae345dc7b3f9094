// One planner with typed fakes for all it asks, under virtual time.
#pragma once

#include "actors/mission/iteration.hpp"
#include "actors/planner/planner_actor.hpp"
#include "tests/actors/scheduler_fixture.hpp"

#include <gmock/gmock.h>

#include <deque>
#include <string>
#include <vector>

namespace mana::test {

inline const timestamp slot = *parse_iso("2026-03-01T08:00:00Z");

// What the fakes answer, in order; the last answer repeats. `silent`: no answer at all.
template <class Answer>
struct script {
  std::deque<result<Answer>> answers;
  bool silent = false;

  template <class Self>
  caf::result<Answer> next(Self* self) {
    if (silent)
      return self->template make_response_promise<Answer>();
    auto answer = answers.front();
    if (answers.size() > 1)
      answers.pop_front();
    if (!answer)
      return to_caf(answer.error());
    return *answer;
  }
};

class planner_test : public virtual_time {
protected:
  planner_test() {
    reader_.answers = {records_read{}};
    llm_.answers = {chat_answer{"plan a", 1, {}, 0, 0}};
    audit_.answers = {audit_written{}};
    writer_.answers = {run_ended{true}};
    run_.held = {{{"u1"}, {"m1"}}, {"token"}};
    run_.slot = slot;
    run_.claimed_at = slot + std::chrono::seconds{2};
  }
  ~planner_test() override { stop_all(); }

  // The run with this record, or with one that has nothing special.
  void start(std::string record = R"({"id":"m1","title":"Teeth","objective":"healthy","state":"active",
                                      "cadence":{"kind":"interval","everyMinutes":60},"inputs":[],"iterations":[]})") {
    run_.record = std::make_shared<const std::string>(std::move(record));
    planner_ = keep(sys_.spawn<planner>(deps(), run_, fake_scheduler(), root_));
    planner_->attach_functor([this] { ended_ = true; });
    run();
  }

  scheduler_actor fake_scheduler();
  std::shared_ptr<const planner_deps> deps();
  iteration_writer_actor fake_writer();
  audit_writer_actor fake_audit();

  // The iteration of the last end that was asked for.
  json::value iteration() const {
    auto& end = ends_.back();
    return end.iteration ? *json::parse(*end.iteration) : json::value{};
  }
  std::string summary() const { return std::string{iteration().text("summary")}; }
  std::string iteration_id() const { return iteration_id_of(run_.held.key, run_.slot); }
  const run_finished& report() const { return reports_.back(); }
  void expect_end(run_end how, std::optional<errc> error) {
    ASSERT_THAT(reports_, testing::SizeIs(1));
    EXPECT_TRUE(ended_);
    EXPECT_EQ(report().ended, how);
    EXPECT_EQ(report().error, error);
    EXPECT_EQ(ends_.back().how, how);
    EXPECT_EQ(ends_.back().held, run_.held);
    EXPECT_EQ(ends_.back().slot, slot);
  }

  claimed_mission run_;
  planner_config config_;
  double random_ = 0;
  script<records_read> reader_;
  script<chat_answer> llm_;
  script<audit_written> audit_;
  script<run_ended> writer_;

  std::vector<read_records> reads_;
  struct seen_prompt {
    std::string system, user;
  };
  std::vector<seen_prompt> prompts_;
  std::vector<end_run> ends_;
  std::vector<std::vector<std::string>> inputs_; // texts, per prompt that was built
  std::vector<timestamp> prompted_at_;           // the planner's clock, per prompt that was built
  std::vector<run_finished> reports_;
  std::vector<run_uses_grant> uses_;
  std::vector<write_audit> audits_;
  std::vector<std::string> observed_; // by the planner's observer
  std::size_t owed_audit_rows_ = 0;
  tracing::tracer tracer_;
  started_span root_;
  std::vector<ended_stage> stages_;
  std::vector<span_context> asked_from_; // the span of each call to the LLM
  planner_actor planner_;
  bool ended_ = false;
};

} // namespace mana::test
