#include "actors/planner/planner_actor.hpp"

#include "actors/mission/cadence.hpp"
#include "actors/mission/iteration.hpp"
#include "actors/planner/plan_parser.hpp"
#include "actors/planner/token_estimate.hpp"

#include <exception>
#include <typeinfo>

namespace mana {

namespace {

std::shared_ptr<const std::string> shared_text(const json::value& v) {
  return std::make_shared<const std::string>(json::to_text(v));
}

// The mission's iteration with this id; nullptr when there is none.
const json::value* find_iteration(const mission& m, std::string_view id) {
  for (auto& i : m.iterations)
    if (i.text("id") == id)
      return &i;
  return nullptr;
}

// Such an end may be accepted a moment later; any other refusal is for good.
bool may_write_later(errc code) {
  switch (code) {
    case errc::database_unavailable:
    case errc::database_overloaded:
    case errc::database_timeout:
    case errc::database_conflict:
    case errc::database_read_only:
    case errc::commit_in_doubt:
    case errc::cancelled: return true;
    default: return false;
  }
}

} // namespace

planning plan_with(std::shared_ptr<const tool_catalogue> catalogue) {
  return {
      [catalogue](const mission& m, std::span<const resolved_input> inputs, timestamp now) {
        return build_prompt(m, inputs, *catalogue, now);
      },
      [catalogue](std::string_view answer) { return parse_plan(answer, *catalogue); },
  };
}

planner::planner(caf::actor_config& cfg, std::shared_ptr<const planner_deps> deps, claimed_mission run,
                 scheduler_actor scheduler, const started_span& span)
  : planner_actor::base(cfg), deps_(std::move(deps)), run_(std::move(run)), claimed_at_(clock().now()),
    scheduler_(std::move(scheduler)) {
  report_.held = end_.held = run_.held;
  report_.slot = end_.slot = run_.slot;
  report_.attempt = run_.attempt;
  report_.span = span;
  if (run_.attempt == 1 && run_.last_error.empty())
    report_.due_to_claimed = run_.claimed_at - run_.slot;
  set_exception_handler([](std::exception_ptr&) -> caf::error { return to_caf({errc::internal, "planner"}); });
}

// The object lives on until its last request timeout is due: what is large or holds others goes now.
void planner::on_exit() {
  forget_secrets();
  deps_ = nullptr;
  scheduler_ = nullptr;
  run_ = {};
  mission_ = {};
  selection_ = {};
  end_ = {};
}

void planner::forget_secrets() {
  grant_.reset();
  inputs_ = {};
  prompt_ = {};
}

planner::behavior_type planner::make_behavior() {
  send(this, begin_run{}); // quit() would have no effect in here
  return {
      [this](const begin_run&) { guarded("begin", [this] { begin(); }); },
      [this](const write_again&) { write(); },
  };
}

void planner::begin() {
  if (run_.crashes >= deps_->config.max_crashes)
    return quarantine();
  auto record = run_.record ? json::parse(*run_.record) : result<json::value>{failure{errc::mission_invalid, "record"}};
  if (!record || !record->as_object()) {
    next_ = after_slot::unschedulable;
    end_.unschedulable = true;
    return fail(record ? failure{errc::mission_invalid, "record"} : record.error());
  }
  mission_ = read_mission(*record);
  if (over_before_it_starts(iteration_id_of(run_.held.key, run_.slot)))
    return;
  open_grant(*record);
  read_inputs();
}

// Before anything of the mission is looked at: any of it may be what ends runners.
void planner::quarantine() {
  next_ = after_slot::nothing_planned;
  end_.quarantine = true;
  fail({errc::quarantined, std::to_string(run_.crashes) + " runs in a row ended with their runner"});
}

// What is known without asking anybody. A slot that has its iteration is never planned or failed
// again, so this comes first; a cadence that cannot be scheduled outranks spent attempts because it
// is what the user can correct.
bool planner::over_before_it_starts(const std::string& iteration_id) {
  auto& zone = mission_.time_zone.empty() ? deps_->config.default_time_zone : mission_.time_zone;
  auto next = next_run(mission_.cadence, now(), zone);
  next_ = !next ? after_slot::unschedulable : *next ? after_slot::as_planned : after_slot::nothing_planned;
  end_.unschedulable = !next;
  if (auto* known = find_iteration(mission_, iteration_id)) {
    end_.how = run_end::planned;
    end_.iteration = shared_text(*known);
    write();
  } else if (!next) {
    fail({errc::cadence_invalid, next.error().detail});
  } else if (run_.attempt > deps_->config.retry.max_attempts) {
    fail({errc::attempts_exhausted, run_.last_error});
  } else if (mission_.title.empty() && mission_.objective.empty() && mission_.concept_markdown.empty()) {
    fail({errc::mission_invalid, "objective"});
  } else {
    return false;
  }
  return true;
}

void planner::plan_with_inputs() {
  std::vector<resolved_input> shown;
  shown.reserve(inputs_.size());
  for (auto& input : inputs_)
    shown.push_back(std::move(input.shown));
  inputs_ = {};
  prompt_ = deps_->steps.build_prompt(mission_, shown, now());
  ask();
}

void planner::ask() {
  auto prompt = std::make_shared<const chat_prompt>(prompt_.system, prompt_.user);
  auto asking = begin_stage("llm", &run_finished::llm);
  auto prompt_bytes = prompt->size();
  // The client owns its deadlines.
  request(deps_->llm, caf::infinite, chat_call{std::move(prompt), run_.held.key.user, asking.span.context})
      .then(
          [this, asking, prompt_bytes](const chat_answer& answer) {
            end_stage(asking);
            end_.tokens += tokens_used(answer, prompt_bytes);
            report_.tokens = end_.tokens;
            guarded("parse", [&] { answered(answer.content); });
          },
          [this, asking](const caf::error& e) {
            auto why = to_failure(e);
            end_stage(asking, why.code);
            fail(std::move(why));
          });
}

void planner::answered(const std::string& content) {
  auto plan = deps_->steps.parse_plan(content);
  if (!plan) {
    if (++report_.parse_failures > 1)
      return fail(std::move(plan).error());
    prompt_ = with_rejection(prompt_, plan.error().detail);
    return ask();
  }
  forget_secrets();
  report_.plan_produced = true;
  end_.how = run_end::planned;
  end_.iteration = shared_text(planned_iteration(iteration_id_of(run_.held.key, run_.slot), *plan));
  write();
}

void planner::fail(failure why) {
  forget_secrets();
  report_.error = why.code;
  report_.detail = why.detail;
  auto verdict = judge(why, run_.attempt, next_, deps_->config.retry, deps_->random());
  if (!verdict)
    return report();
  end_.how = verdict->how;
  end_.retry_after = verdict->retry_after;
  end_.error_code = why.code;
  end_.error_detail = std::move(why.detail);
  end_.iteration = nullptr;
  if (verdict->how == run_end::failed)
    end_.iteration = shared_text(failed_iteration(iteration_id_of(run_.held.key, run_.slot), verdict->summary));
  write();
}

void planner::write() {
  ++write_tries_;
  auto writing = begin_stage("write", &run_finished::write);
  request(deps_->writer, deps_->config.database_timeout, end_)
      .then(
          [this, writing](const run_ended& ended) {
            end_stage(writing);
            report_.written = ended.written;
            report_.ended = end_.how;
            report_.retry_after = end_.retry_after;
            report();
          },
          [this, writing](const caf::error& e) {
            auto why = to_failure(e);
            end_stage(writing, why.code);
            guarded("write", [&] { write_failed(std::move(why)); });
          });
}

void planner::write_failed(failure why) {
  if (why.code == errc::lease_lost) {
    report_.error = errc::lease_lost;
    report_.detail = std::move(why.detail);
    return report();
  }
  if (may_write_later(why.code) && write_tries_ < deps_->config.write_tries) {
    delayed_send(this, deps_->config.between_writes.delay(write_tries_, deps_->random()), write_again{});
    return;
  }
  // It may be this plan that the database does not take, or the grant it was made under is gone: the slot can
  // still end, or run again, without it.
  if (end_.how == run_end::planned && !may_write_later(why.code) && !replanned_end_) {
    replanned_end_ = true;
    write_tries_ = 0;
    return fail(std::move(why));
  }
  report_.detail += report_.error ? "; end not written: " + std::string{to_string(why.code)} : why.detail;
  if (!report_.error)
    report_.error = why.code;
  report();
}

void planner::report() {
  report_.due_to_ended = now() - run_.slot;
  send(scheduler_, report_);
  quit();
}

void planner::guarded(const char* stage, const std::function<void()>& f) {
  failure defect{errc::internal, ""};
  try {
    return f();
  } catch (const std::exception& e) {
    defect.detail = std::string{stage} + ": " + typeid(e).name(); // never what(): it may quote user data
  } catch (...) {
    defect.detail = stage;
  }
  fail(std::move(defect));
}

planner::open_stage planner::begin_stage(std::string_view name, std::chrono::microseconds run_finished::*sum) const {
  return {name, sum, clock().now(), deps_->observer.tracer.start(report_.span.context)};
}

void planner::end_stage(const open_stage& s, std::optional<errc> error) {
  std::chrono::nanoseconds took = clock().now() - s.begun;
  report_.*s.sum += std::chrono::duration_cast<std::chrono::microseconds>(took);
  deps_->observer.stage_ended({s.name, s.span, took, error});
}

timestamp planner::now() const {
  return run_.claimed_at + std::chrono::floor<std::chrono::milliseconds>(clock().now() - claimed_at_);
}

} // namespace mana
