#include "tests/simulation/event_loop.hpp"

#include <algorithm>

namespace mana::sim {

event_loop::event_loop(caf::actor_system& sys, std::uint64_t seed)
  : coordinator_(dynamic_cast<caf::scheduler::test_coordinator&>(sys.scheduler())), start_(coordinator_.clock().now()),
    order_(seed) {}

std::chrono::milliseconds event_loop::elapsed() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(now() - start_);
}

void event_loop::after(std::chrono::milliseconds delay, task what) {
  events_.push_back({now() + delay, next_order_++, std::move(what)});
  std::push_heap(events_.begin(), events_.end(), later);
}

bool event_loop::step(time_point end) {
  run_actors();
  auto next = end;
  bool any = false;
  if (auto& timers = coordinator_.clock().schedule(); !timers.empty() && timers.begin()->first <= next) {
    next = timers.begin()->first;
    any = true;
  }
  if (!events_.empty() && events_.front().at <= next) {
    next = events_.front().at;
    any = true;
  }
  coordinator_.advance_time(std::max(next - now(), caf::timespan{0}));
  run_actors();
  while (!events_.empty() && events_.front().at <= now()) {
    std::pop_heap(events_.begin(), events_.end(), later);
    auto due = std::move(events_.back());
    events_.pop_back();
    due.what();
    run_actors();
  }
  return any;
}

bool event_loop::is_frozen(caf::resumable* job) const {
  auto* actor = dynamic_cast<caf::local_actor*>(job);
  return actor != nullptr && frozen_.contains(actor->id());
}

void event_loop::run_actors() {
  auto& jobs = coordinator_.jobs;
  while (!jobs.empty()) {
    if (!frozen_.empty()) { // those that may run come first
      auto runnable = std::stable_partition(jobs.begin(), jobs.end(), [this](auto* job) { return !is_frozen(job); });
      if (runnable == jobs.begin())
        return;
      pick_next_job(static_cast<std::size_t>(runnable - jobs.begin()));
    } else {
      pick_next_job(jobs.size());
    }
    coordinator_.run_once();
  }
}

void event_loop::pick_next_job(std::size_t runnable) {
  auto& jobs = coordinator_.jobs;
  if (runnable > 1)
    std::swap(jobs.front(), jobs[order_.below(runnable)]);
}

} // namespace mana::sim
