// planner: one run of one mission, from the claimed record to the committed end: unwrap the mission's grant,
// read its inputs, decrypt, have the decrypts recorded, ask for a plan, write it. It reports to the
// scheduler exactly once (run_finished) and ends itself. When it is stopped from outside it ends at
// once without a report: the lease is then the scheduler's to hand back.
//
// Who is authoritative: the writer's fenced commit decides what the run came to. A failing end is
// repeated while the lease lives (the scheduler stops planners whose lease is gone); when it cannot
// be written at all, the lease ends by time and the attempt stays counted.
//
// Secrets: the mission's data key lives from the unwrap until all records are decrypted, decrypted text until
// the run ends or the audit_writer does not confirm in time; both are cleansed on every way out. A grant that
// cannot be used is no error: the run goes on with what is readable without it.
//
// Time is the database's: that of the claim and what has passed since. The wall clocks of replicas may differ.
#pragma once

#include "actors/mission/mission.hpp"
#include "actors/mission/plan.hpp"
#include "actors/planner/inputs/mission_inputs.hpp"
#include "actors/planner/prompt.hpp"
#include "actors/planner/run_outcome.hpp"
#include "actors/planner/tool_catalogue.hpp"
#include "infra/tracing/tracer.hpp"
#include "messages/audit_writer.hpp"
#include "messages/iteration_writer.hpp"
#include "messages/llm_client.hpp"
#include "messages/mission_claimer.hpp"
#include "messages/record_reader.hpp"
#include "messages/scheduler.hpp"

#include <caf/all.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mana {

// The steps that need the tool catalogue.
struct planning {
  std::function<prompt_text(const mission&, std::span<const resolved_input>, timestamp now)> build_prompt;
  std::function<result<plan>(std::string_view answer)> parse_plan; // plan_rejected
};
planning plan_with(std::shared_ptr<const tool_catalogue> catalogue);

struct planner_config {
  retry_policy retry;
  // A mission whose claims ended with their runner so often in a row is not run once more but quarantined. Schema
  // mana_ai counts them and knows this number, too (end_crashed_runs).
  unsigned max_crashes = 3;
  std::string default_time_zone = "UTC";              // of missions without one; IANA name
  std::chrono::milliseconds database_timeout{15'000}; // one read or write, from request to answer
  std::chrono::milliseconds audit_timeout{5'000};     // within which the audit_writer answers
  // The runner's private keys; none: no grant can be opened.
  std::vector<crypto::rsa_private_key> keys;
  bool accept_v1 = true; // grants of derivation v1
  // Of one end, the first included: about half a minute, so that a plan that is paid for outlives a restart of the
  // database. The end of the lease stops it earlier.
  unsigned write_tries = 20;
  backoff between_writes{
      .least = std::chrono::milliseconds{100}, .base = std::chrono::milliseconds{500}, .max = std::chrono::seconds{4}};
};

// A stage of a run that ended, with the measure that the metrics and the run's line of the log have.
struct ended_stage {
  std::string_view name; // read, audit, llm or write
  started_span span;
  std::chrono::nanoseconds took{0};
  std::optional<errc> error;
};

// Metrics and spans. Called from many threads; must neither block nor throw.
struct planner_observer {
  tracing::tracer tracer; // starts the spans that `stage_ended` ends
  std::function<void(const ended_stage&)> stage_ended = [](const auto&) {};
  std::function<void(crypto::grant_skip)> grant_skipped = [](auto) {};
  std::function<void(std::string_view table, std::size_t fields)> decrypted = [](auto, auto) {};
  std::function<void(std::string_view table)> outside_scope = [](auto) {};
  // Before the audit is asked: records of which it has to tell.
  std::function<void(std::size_t records)> owes_audit = [](auto) {};
};

// Shared by all planners; immutable.
struct planner_deps {
  planner_config config;
  planning steps;
  record_reader_actor reader;
  audit_writer_actor audit; // none: nothing that was decrypted is used
  llm_client_actor llm;
  iteration_writer_actor writer;
  planner_observer observer;
  std::function<double()> random; // in [0, 1); called from many threads
};

struct begin_run {};
struct write_again {};

using planner_actor = caf::typed_actor<caf::reacts_to<begin_run>, caf::reacts_to<write_again>>;

class planner : public planner_actor::base {
public:
  // `span`: of the whole run, which the scheduler ends.
  planner(caf::actor_config& cfg, std::shared_ptr<const planner_deps> deps, claimed_mission run,
          scheduler_actor scheduler, const started_span& span = {});
  const char* name() const override { return "planner"; }
  void on_exit() override;

protected:
  behavior_type make_behavior() override;

private:
  using time_point = caf::actor_clock::time_point;

  // planner_actor.cpp: from the claimed record to its end
  void begin();
  void quarantine();
  bool over_before_it_starts(const std::string& iteration_id);
  void plan_with_inputs();
  void ask();
  void answered(const std::string& content);
  void fail(failure why);
  void write();
  void write_failed(failure why);
  void report();
  // Runs f; an exception, always a defect of ours, fails the run instead of ending the actor.
  void guarded(const char* stage, const std::function<void()>& f);
  timestamp now() const;

  // The one place where stages are timed: for the report, and for their spans. A stage that is repeated is a span each
  // time, and one sum in the report.
  struct open_stage {
    std::string_view name;
    std::chrono::microseconds run_finished::*sum;
    time_point begun;
    started_span span;
  };
  open_stage begin_stage(std::string_view name, std::chrono::microseconds run_finished::*sum) const;
  void end_stage(const open_stage& s, std::optional<errc> error = std::nullopt);

  // planner_inputs.cpp: what goes into the prompt
  void open_grant(const json::value& record);
  void read_inputs();
  void inputs_arrived(const std::vector<record_text>& records);
  void record_decrypts(std::vector<decrypt_event> events);
  void decrypts_recorded();
  void decrypts_not_recorded();
  void forget_secrets();

  std::shared_ptr<const planner_deps> deps_;
  claimed_mission run_;
  time_point claimed_at_; // when run_.claimed_at was, by the steady clock
  scheduler_actor scheduler_;
  mission mission_;
  after_slot next_ = after_slot::as_planned;
  std::optional<crypto::opened_grant> grant_; // until all records are decrypted
  std::string fingerprint_;                   // of the grant that was opened
  input_selection selection_;
  std::vector<readable_input> inputs_;
  prompt_text prompt_;
  end_run end_;
  unsigned write_tries_ = 0;
  bool replanned_end_ = false; // the end was replaced once because the writer refused it
  run_finished report_;
};

} // namespace mana

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::begin_run)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::write_again)
