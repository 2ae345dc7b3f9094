// The planner's way from the claimed record to the texts of its prompt. The order is what makes a decrypt
// visible before it is used: unwrap, read what the grant allows, decrypt, drop the keys, have it recorded, and
// only then go on with what was decrypted.
#include "actors/planner/planner_actor.hpp"

#include "actors/mission/iteration.hpp"

#include <algorithm>
#include <iterator>
#include <variant>

namespace mana {

namespace {

// The audit_writer answers within its own deadline; a writer that hangs must not hold the run.
constexpr std::chrono::milliseconds audit_margin{1'000};

std::size_t count_of(const std::vector<decrypt_event>& events, decrypt_status status) {
  return static_cast<std::size_t>(
      std::count_if(events.begin(), events.end(), [&](auto& e) { return e.status == status; }));
}

} // namespace

// RSA, 1.2 ms: planners run on CAF's worker threads.
void planner::open_grant(const json::value& record) {
  auto* grant = record.find("grant");
  if (grant == nullptr || grant->as_object() == nullptr)
    return;
  auto fingerprint = crypto::grant_fingerprint(*grant);
  bool revoked = fingerprint && grant_memory::of(record).holds(*fingerprint);
  auto& key = run_.held.key;
  auto opened = crypto::open_grant(*grant, key.user.value, key.mission.value, now(), revoked,
                                   {deps_->config.keys, deps_->config.accept_v1});
  if (auto* skip = std::get_if<crypto::grant_skip>(&opened)) {
    report_.grant = to_string(*skip);
    deps_->observer.grant_skipped(*skip);
    return;
  }
  grant_ = std::get<crypto::opened_grant>(std::move(opened));
  fingerprint_ = *std::move(fingerprint);
  report_.grant = "opened";
  send(scheduler_, run_uses_grant{run_.held, fingerprint_});
}

void planner::read_inputs() {
  selection_ = select_inputs(mission_, grant_ ? &*grant_ : nullptr);
  for (auto& violation : selection_.outside_scope)
    deps_->observer.outside_scope(violation.table);
  if (selection_.refs.empty())
    return inputs_arrived({});
  auto reading = begin_stage("read", &run_finished::read);
  request(deps_->reader, deps_->config.database_timeout,
          read_records{run_.held.key.user, selection_.refs, selection_.links})
      .then(
          [this, reading](const records_read& got) {
            end_stage(reading);
            guarded("inputs", [&] { inputs_arrived(got.records); });
          },
          [this, reading](const caf::error& e) {
            auto why = to_failure(e);
            end_stage(reading, why.code);
            fail(std::move(why));
          });
}

void planner::inputs_arrived(const std::vector<record_text>& records) {
  auto resolved = resolve_inputs(selection_, records, grant_ ? &*grant_ : nullptr);
  grant_.reset();
  for (auto& [table, fields] : resolved.decrypted)
    deps_->observer.decrypted(table, fields);
  inputs_ = std::move(resolved.inputs);
  auto events = std::move(selection_.outside_scope);
  std::move(resolved.events.begin(), resolved.events.end(), std::back_inserter(events));
  selection_ = {};
  if (events.empty())
    return plan_with_inputs();
  deps_->observer.owes_audit(events.size());
  record_decrypts(std::move(events));
}

void planner::record_decrypts(std::vector<decrypt_event> events) {
  if (!deps_->audit)
    return decrypts_not_recorded();
  auto opened = count_of(events, decrypt_status::ok);
  auto recording = begin_stage("audit", &run_finished::audit);
  request(deps_->audit, deps_->config.audit_timeout + audit_margin,
          write_audit{run_.held, iteration_id_of(run_.held.key, run_.slot), std::move(events)})
      .then(
          [this, recording, opened](const audit_written&) {
            end_stage(recording);
            report_.decrypted_records = opened;
            guarded("prompt", [&] { decrypts_recorded(); });
          },
          [this, recording](const caf::error& e) {
            end_stage(recording, to_failure(e).code);
            guarded("prompt", [&] { decrypts_not_recorded(); });
          });
}

void planner::decrypts_recorded() {
  bool any = std::any_of(inputs_.begin(), inputs_.end(), [](auto& i) { return i.decrypted; });
  if (any)
    end_.grant_fingerprint = fingerprint_;
  plan_with_inputs();
}

void planner::decrypts_not_recorded() {
  auto dropped = std::erase_if(inputs_, [](auto& i) { return i.decrypted; });
  if (dropped > 0 && inputs_.empty())
    return fail({errc::audit_unavailable, "no other input is readable"});
  if (dropped > 0)
    report_.detail = "decrypts not recorded in time and not used";
  plan_with_inputs();
}

} // namespace mana
