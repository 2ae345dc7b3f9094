#include "tests/actors/scheduler_fixture.hpp"

namespace mana::test {

namespace {

const timestamp database_now = *parse_iso("2026-03-01T08:00:00Z");
const timestamp wall_now = *parse_iso("2026-03-01T08:00:01Z");

claimed_missions take_due(surroundings& world, const claim_missions& order) {
  claimed_missions out;
  while (!world.due.empty() && out.missions.size() < order.limit) {
    out.missions.push_back(world.due.front());
    world.due.pop_front();
  }
  out.now = database_now;
  out.next_due_in = world.next_due_in;
  out.more_waiting = world.more_waiting;
  return out;
}

leases_renewed renewal_of(surroundings& world) {
  leases_renewed out;
  out.lost = std::exchange(world.lose, {});
  out.stopped = std::exchange(world.stop, {});
  out.oldest_waiting = world.waiting;
  return out;
}

leases_renewed rescue_of(surroundings& world) {
  leases_renewed out;
  out.rescued = std::exchange(world.rescue, 0);
  out.quarantined = std::exchange(world.quarantine, {});
  out.oldest_waiting = world.waiting;
  return out;
}

} // namespace

claimer_fake::behavior_type fake_claimer(claimer_fake::pointer self, surroundings* world) {
  using held_claim = std::pair<claim_missions, caf::typed_response_promise<claimed_missions>>;
  auto held = std::make_shared<std::vector<held_claim>>();
  auto held_renewals = std::make_shared<std::vector<caf::typed_response_promise<leases_renewed>>>();
  return {
      [=](const claim_missions& order) -> caf::result<claimed_missions> {
        world->claims.push_back(order);
        if (world->hold_claims) {
          held->emplace_back(order, self->make_response_promise<claimed_missions>());
          return held->back().second;
        }
        if (world->claim_error)
          return to_caf(*world->claim_error);
        return take_due(*world, order);
      },
      [=](const renew_leases& order) -> caf::result<leases_renewed> {
        if (order.held.empty()) {
          ++world->looks;
          if (!world->hold_looks)
            return rescue_of(*world);
          held_renewals->push_back(self->make_response_promise<leases_renewed>());
          return held_renewals->back();
        }
        world->renewals.push_back(order.held);
        if (world->renew_error)
          return to_caf(*world->renew_error);
        if (world->hold_renewals) {
          held_renewals->push_back(self->make_response_promise<leases_renewed>());
          return held_renewals->back();
        }
        return renewal_of(*world);
      },
      [=](const hand_back& order) -> caf::result<handed_back> {
        world->hand_backs.push_back(order.held);
        world->crashes += order.crashed ? 1 : 0;
        if (world->hand_back_error)
          return to_caf(*world->hand_back_error);
        return handed_back{order.held.size(), std::exchange(world->quarantine, {})};
      },
      [=](const release_claims&) {
        for (auto& [order, promise] : std::exchange(*held, {}))
          promise.deliver(take_due(*world, order));
      },
      [=](const release_renewals&) {
        for (auto& promise : std::exchange(*held_renewals, {}))
          promise.deliver(renewal_of(*world));
      },
  };
}

refresher_fake::behavior_type fake_refresher(refresher_fake::pointer self, surroundings* world) {
  auto held = std::make_shared<std::vector<caf::typed_response_promise<snapshots_refreshed>>>();
  return {
      [=](const refresh_snapshots&) -> caf::result<snapshots_refreshed> {
        ++world->refreshes;
        if (world->hold_refreshes) {
          held->push_back(self->make_response_promise<snapshots_refreshed>());
          return held->back();
        }
        if (world->refresh_error)
          return to_caf(*world->refresh_error);
        return snapshots_refreshed{};
      },
      [](const log_changed&) {},
      [=](const release_refreshes&) {
        for (auto& promise : std::exchange(*held, {}))
          promise.deliver(snapshots_refreshed{});
      },
  };
}

claimed_mission due_mission(const std::string& mission, const std::string& user) {
  claimed_mission out;
  out.held = {{{user}, {mission}}, {"t-" + mission}};
  out.slot = database_now;
  out.record = std::make_shared<const std::string>("{}");
  return out;
}

void scheduler_test::start() {
  scheduler_deps deps;
  deps.claimer = claimer_ = keep(sys_.spawn(fake_claimer, &world_));
  deps.refresher = refresher_ = keep(sys_.spawn(fake_refresher, &world_));
  deps.make_planner = [this](const claimed_mission& m, const started_span& span, const scheduler_actor&) {
    spans_[m.held.token.value] = span;
    return make_planner(m);
  };
  deps.now = [] { return wall_now; };
  deps.random = [this] { return random_; };
  auto& see = deps.observers;
  see.tick_started = [this] { ++ticks_; };
  see.tick_ended = [this](auto d) { tick_durations_.push_back(d); };
  see.missions_claimed = [this](auto n) { claimed_ += n; };
  see.runs_in_flight = [this](auto n) { in_flight_ = n; };
  see.lease_lost = [this] { ++lost_; };
  see.leases_rescued = [this](auto n) { rescued_ += n; };
  see.missions_crashed = [this](auto n) { crashed_ += n; };
  see.mission_quarantined = [this](const mission_key& key) { quarantined_.push_back(key); };
  see.oldest_waiting = [this](auto age) { oldest_ = age; };
  see.tracer = tracer_;
  see.run_ended = [this](const run_finished& r) { ended_.push_back(r); };
  see.trouble = [this](auto what, const failure& f) {
    trouble_.push_back(std::string{what} + ": " + std::string{to_string(f.code)});
  };
  scheduler_ = keep(sys_.spawn<scheduler>(config_, std::move(deps)));
  run();
}

void scheduler_test::stop_everything() {
  for (auto& [token, planner] : std::exchange(planners_, {}))
    caf::anon_send_exit(planner, caf::exit_reason::user_shutdown);
  stop_all();
}

caf::actor scheduler_test::make_planner(const claimed_mission& mission) {
  if (factory_throws_)
    throw std::runtime_error("no planner today");
  auto token = mission.held.token.value;
  auto planner = sys_.spawn([](caf::event_based_actor*, int) -> caf::behavior { return {[](int) {}}; }, 0);
  planner->attach_functor([this, token] { planners_.erase(token); });
  planners_[token] = planner;
  return planner;
}

void scheduler_test::finish(const std::string& mission, run_finished report) {
  caf::anon_send(scheduler_, std::move(report));
  caf::anon_send_exit(planners_.at("t-" + mission), caf::exit_reason::user_shutdown);
  run();
}

void scheduler_test::crash(const std::string& mission) {
  caf::anon_send_exit(planners_.at("t-" + mission), caf::exit_reason::unhandled_exception);
  run();
}

run_finished scheduler_test::planned(const std::string& mission) {
  run_finished out;
  out.held = due_mission(mission).held;
  out.plan_produced = out.written = true;
  out.ended = run_end::planned;
  return out;
}

run_finished scheduler_test::failed(const std::string& mission, errc why) {
  run_finished out;
  out.held = due_mission(mission).held;
  out.error = why;
  out.ended = run_end::failed;
  return out;
}

void scheduler_test::add_work(std::initializer_list<std::string> missions, const std::string& user) {
  for (auto& mission : missions)
    world_.due.push_back(due_mission(mission, user));
}

} // namespace mana::test
