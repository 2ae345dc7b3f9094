#include "actors/snapshot_refresher/snapshot_refresher_actor.hpp"

#include "infra/postgres/connection.hpp"

namespace mana {

namespace {

// Other errors would come again.
bool may_pass(errc code) {
  switch (code) {
    case errc::database_unavailable:
    case errc::database_overloaded:
    case errc::database_timeout:
    case errc::database_conflict:
    case errc::database_read_only:
    case errc::commit_in_doubt: return true;
    default: return false;
  }
}

} // namespace

snapshot_refresher::snapshot_refresher(caf::actor_config& cfg, database_actor database, refresher_config config,
                                       refresher_observer observer)
  : snapshot_refresher_self::base(cfg), database_(std::move(database)), config_(config), observer_(std::move(observer)),
    batch_(config_.batch) {
  set_default_handler(caf::drop);
}

void snapshot_refresher::on_exit() {
  for (auto* list : {&served_, &waiting_}) {
    for (auto& p : *list)
      p.deliver(caf::make_error(errc::shutting_down));
    list->clear();
  }
  database_ = nullptr;
}

snapshot_refresher::behavior_type snapshot_refresher::make_behavior() {
  return {
      [this](refresh_snapshots) -> caf::result<snapshots_refreshed> {
        auto p = make_response_promise<snapshots_refreshed>();
        waiting_.push_back(p);
        start_drain();
        return p;
      },
      [this](log_changed) {
        again_ = true;
        start_drain();
      },
      [this](drain_again) {
        pausing_ = false;
        again_ = true;
        start_drain();
      },
  };
}

void snapshot_refresher::start_drain() {
  if (jobs_ > 0 || (waiting_.empty() && !again_))
    return;
  served_ = std::exchange(waiting_, {});
  again_ = false;
  sum_ = {};
  error_ = {};
  drained_ = false;
  saw_all_ = false;
  // Whoever asked is promised everything that was committed before.
  start_job(!served_.empty());
}

void snapshot_refresher::start_job(bool whole_queue) {
  ++jobs_;
  auto limit = batch_.get();
  auto queue = queue_;
  queue.whole = whole_queue;
  database_job job{"refresh", [limit, queue, policy = config_.policy](pg::connection& db) -> std::any {
                     return refresh_batch(db, limit, policy, queue);
                   }};
  request(database_, caf::infinite, std::move(job))
      .then([this, limit](database_answer& a) { job_done(a.as<refresh_batch_result>(), limit); },
            [this, limit](caf::error& e) { job_failed(e, limit); });
}

void snapshot_refresher::job_done(const refresh_batch_result& r, std::size_t asked_for) {
  batch_.took(r.taken, asked_for, r.lasted);
  saw_all_ = saw_all_ || r.saw_all;
  sum_.rows_applied += r.counts.rows_applied;
  sum_.created += r.counts.created;
  sum_.updated += r.counts.updated;
  sum_.removed += r.counts.removed;
  if (r.taken > 0)
    observer_.refreshed(r.counts);
  if (r.deferred > 0)
    observer_.deferred(r.deferred);
  // A full batch means that there is more, enough for one job beside this one.
  if (r.taken < asked_for)
    drained_ = true;
  else if (!drained_ && !error_)
    while (jobs_ <= config_.max_parallel)
      start_job(false);
  end_of_job();
}

void snapshot_refresher::job_failed(const caf::error& e, std::size_t asked_for) {
  error_ = e;
  if (to_failure(e).code == errc::database_timeout)
    batch_.timed_out(asked_for);
  observer_.failed(to_failure(e));
  end_of_job();
}

void snapshot_refresher::end_of_job() {
  if (--jobs_ > 0)
    return;
  for (auto& p : served_)
    error_ ? p.deliver(error_) : p.deliver(sum_);
  served_.clear();
  if (error_ ? may_pass(to_failure(error_).code) : !saw_all_)
    drain_later();
  start_drain();
}

void snapshot_refresher::drain_later() {
  if (std::exchange(pausing_, true))
    return;
  delayed_send(this, config_.retry_pause, drain_again{});
}

} // namespace mana
