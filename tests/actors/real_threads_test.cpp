// Scheduler and planners on CAF's own threads: reports and down messages of many runs cross each
// other, and none may be taken for a planner that died.
#include "actors/planner/planner_actor.hpp"
#include "tests/actors/scheduler_fixture.hpp"

#include <gmock/gmock.h>

namespace mana::test {

namespace {

llm_client_actor::behavior_type model(llm_client_actor::pointer, int) {
  return {
      [](const chat_call&) {
        return chat_answer{"plan", 1, {}, 0, 0};
      },
      [](const get_llm_status&) { return llm_status{}; },
  };
}

iteration_writer_actor::behavior_type writer(iteration_writer_actor::pointer, int) {
  return {[](const end_run& end) { return run_ended{end.how == run_end::planned}; }};
}

record_reader_actor::behavior_type reader(record_reader_actor::pointer, int) {
  return {[](const read_records&) { return records_read{}; }};
}

TEST(real_threads_test, every_run_reports) {
  constexpr std::size_t runs = 2'000;
  struct config : caf::actor_system_config {
    config() { set("scheduler.max-threads", std::size_t{4}); }
  } cfg;
  caf::actor_system sys{cfg};
  surroundings world;
  auto record = std::make_shared<const std::string>(R"({"title":"Teeth","cadence":{"kind":"manual"}})");
  for (std::size_t i = 0; i < runs; ++i) {
    world.due.push_back(due_mission("m" + std::to_string(i)));
    world.due.back().record = record;
  }
  auto shared = std::make_shared<planner_deps>();
  shared->steps.build_prompt = [](const mission&, std::span<const resolved_input>, timestamp) { return prompt_text{}; };
  shared->steps.parse_plan = [](std::string_view answer) { return plan{std::string{answer}, {}}; };
  shared->reader = sys.spawn(reader, 0);
  shared->llm = sys.spawn(model, 0);
  shared->writer = sys.spawn(writer, 0);
  shared->random = [] { return 0.5; };
  scheduler_config rules;
  rules.tick_enabled = false;
  scheduler_deps around;
  around.claimer = sys.spawn(fake_claimer, &world);
  around.refresher = sys.spawn(fake_refresher, &world);
  around.now = [] { return timestamp{}; };
  around.random = shared->random;
  around.make_planner = [&sys, deps = std::shared_ptr<const planner_deps>{shared}](auto& m, auto& span, auto& s) {
    return caf::actor_cast<caf::actor>(sys.spawn<planner>(deps, m, s, span));
  };
  scheduler_actor under_test = sys.spawn<scheduler>(rules, around);
  caf::scoped_actor self{sys};
  auto failed = [&](const caf::error& e) { ADD_FAILURE() << sys.render(e); };
  self->request(under_test, caf::infinite, run_tick{})
      .receive(
          [&](const tick_report& report) {
            EXPECT_EQ(report.due, runs);
            EXPECT_EQ(report.plans_written, runs);
            EXPECT_THAT(report.errors, testing::IsEmpty());
          },
          failed);
  self->request(under_test, caf::infinite, drain{1s})
      .receive([](const drained& d) { EXPECT_EQ(d.handed_back, 0u); }, failed);
  EXPECT_THAT(world.hand_backs, testing::IsEmpty());
  auto stop = [&](auto& actor) { self->send_exit(actor, caf::exit_reason::user_shutdown); };
  stop(under_test);
  stop(around.claimer);
  stop(around.refresher);
  stop(shared->reader);
  stop(shared->llm);
  stop(shared->writer);
}

} // namespace

} // namespace mana::test
