#include "tests/actors/planner_fixture.hpp"

namespace mana::test {

namespace {

using namespace std::chrono_literals;

result<plan> parse_test_plan(std::string_view answer) {
  if (answer == "throw")
    throw std::runtime_error("secret");
  if (!answer.starts_with("plan"))
    return failure{errc::plan_rejected, "steps: " + std::string{answer}};
  return plan{std::string{answer}, {{"call the dentist", "create_task", json::object{{"title", "call"}}, "it hurts"}}};
}

} // namespace

scheduler_actor planner_test::fake_scheduler() {
  return keep(sys_.spawn(
      [](scheduler_actor::pointer, planner_test* test) -> scheduler_actor::behavior_type {
        return {
            [](const run_tick&) { return tick_report{}; },
            [](const work_available&) {},
            [=](const run_finished& r) { test->reports_.push_back(r); },
            [=](const run_uses_grant& use) { test->uses_.push_back(use); },
            [](const stop_runs&) {},
            [](const get_scheduler_status&) { return scheduler_status{}; },
            [](const drain&) { return drained{}; },
        };
      },
      this));
}

iteration_writer_actor planner_test::fake_writer() {
  return keep(sys_.spawn(
      [](iteration_writer_actor::pointer self, planner_test* test) -> iteration_writer_actor::behavior_type {
        return {[=](const end_run& end) {
          test->ends_.push_back(end);
          return test->writer_.next(self);
        }};
      },
      this));
}

audit_writer_actor planner_test::fake_audit() {
  return keep(sys_.spawn(
      [](audit_writer_actor::pointer self, planner_test* test) -> audit_writer_actor::behavior_type {
        return {[=](const write_audit& order) {
          test->audits_.push_back(order);
          return test->audit_.next(self);
        }};
      },
      this));
}

std::shared_ptr<const planner_deps> planner_test::deps() {
  auto out = std::make_shared<planner_deps>();
  out->config = config_;
  out->steps.build_prompt = [this](const mission& m, std::span<const resolved_input> inputs, timestamp now) {
    prompted_at_.push_back(now);
    inputs_.emplace_back();
    for (auto& i : inputs)
      inputs_.back().push_back(i.heading + " " + std::string{i.text.view()});
    return prompt_text{sensitive_text{"system"}, sensitive_text{"mission " + m.title}};
  };
  out->steps.parse_plan = parse_test_plan;
  out->reader = keep(sys_.spawn(
      [](record_reader_actor::pointer self, planner_test* test) -> record_reader_actor::behavior_type {
        return {[=](const read_records& order) {
          test->reads_.push_back(order);
          return test->reader_.next(self);
        }};
      },
      this));
  out->llm = keep(sys_.spawn(
      [](llm_client_actor::pointer self, planner_test* test) -> llm_client_actor::behavior_type {
        return {
            [=](const chat_call& call) {
              test->asked_from_.push_back(call.trace);
              test->prompts_.push_back({std::string{call.prompt->messages[0].content.view()},
                                        std::string{call.prompt->messages[1].content.view()}});
              return test->llm_.next(self);
            },
            [](const get_llm_status&) { return llm_status{}; },
        };
      },
      this));
  out->audit = fake_audit();
  out->writer = fake_writer();
  out->observer.grant_skipped = [this](auto why) { observed_.push_back("skipped " + std::string{to_string(why)}); };
  out->observer.decrypted = [this](auto table, auto fields) {
    observed_.push_back("decrypted " + std::string{table} + " " + std::to_string(fields));
  };
  out->observer.tracer = tracer_;
  out->observer.stage_ended = [this](const ended_stage& s) { stages_.push_back(s); };
  out->observer.owes_audit = [this](std::size_t records) { owed_audit_rows_ += records; };
  out->observer.outside_scope = [this](auto table) { observed_.push_back("outside " + std::string{table}); };
  out->random = [this] { return random_; };
  return out;
}

} // namespace mana::test
