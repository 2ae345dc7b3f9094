#include "actors/foreground_runs/foreground_runs_actor.hpp"

#include "actors/database/ask_database.hpp"

namespace mana {

foreground_runs::foreground_runs(caf::actor_config& cfg, foreground_config config, foreground_deps deps)
  : foreground_runs_actor::base(cfg), config_(config), deps_(std::move(deps)) {
  set_default_handler(caf::drop);
}

foreground_runs::behavior_type foreground_runs::make_behavior() {
  return {
      [this](const claim_foreground_run& m) -> caf::result<foreground_run> {
        auto promise = make_response_promise<foreground_run>();
        claim(m.key, promise, 0);
        return promise;
      },
      [this](const renew_foreground_run& m) -> caf::result<foreground_run_renewed> {
        auto promise = make_response_promise<foreground_run_renewed>();
        database_job job{"renew_foreground", [held = m.held, terms = config_.terms](pg::connection& db) -> std::any {
                           return renew_in_foreground(db, held, terms);
                         }};
        request(deps_.database, caf::infinite, std::move(job))
            .then(
                [promise](database_answer& a) mutable {
                  auto& renewed = a.as<result<foreground_run_renewed>>();
                  renewed ? promise.deliver(*renewed) : promise.deliver(to_caf(renewed.error()));
                },
                [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
        return promise;
      },
      [this](const end_foreground_run& m) -> caf::result<foreground_run_ended> {
        auto promise = make_response_promise<foreground_run_ended>();
        end(m.held, promise, 0);
        return promise;
      },
  };
}

template <class Promise>
void foreground_runs::after_refresh(unsigned refreshes, Promise promise, std::function<void(unsigned)> again) {
  if (refreshes >= config_.max_refreshes) {
    promise.deliver(to_caf({errc::database_conflict, "the mission keeps changing"}));
    return;
  }
  request(deps_.refresher, config_.refresh_timeout, refresh_snapshots{})
      .then([again, refreshes](const snapshots_refreshed&) { again(refreshes + 1); },
            [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
}

void foreground_runs::claim(const mission_key& key, claim_promise promise, unsigned refreshes) {
  database_job job{"claim_foreground", [key, terms = config_.terms](pg::connection& db) -> std::any {
                     return claim_in_foreground(db, key, terms);
                   }};
  request(deps_.database, caf::infinite, std::move(job))
      .then(
          [this, key, promise, refreshes](database_answer& a) mutable {
            auto& claimed = a.as<std::optional<result<foreground_run>>>();
            if (!claimed)
              after_refresh(refreshes, promise, [this, key, promise](unsigned n) { claim(key, promise, n); });
            else
              *claimed ? promise.deliver(**claimed) : promise.deliver(to_caf(claimed->error()));
          },
          [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
}

void foreground_runs::end(const lease& held, end_promise promise, unsigned refreshes) {
  database_job job{"end_foreground", [held](pg::connection& db) -> std::any { return end_in_foreground(db, held); }};
  request(deps_.database, caf::infinite, std::move(job))
      .then(
          [this, held, promise, refreshes](database_answer& a) mutable {
            auto& ended = a.as<std::optional<foreground_run_ended>>();
            if (!ended)
              return after_refresh(refreshes, promise, [this, held, promise](unsigned n) { end(held, promise, n); });
            if (ended->given_back)
              deps_.run_given_back();
            promise.deliver(*ended);
          },
          [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
}

} // namespace mana
