// A user with one mission that is due, and a runner's connection: what happens to its lease and its runs.
#pragma once

#include "actors/iteration_writer/end_queries.hpp"
#include "actors/mission/iteration.hpp"
#include "actors/mission_claimer/claim_queries.hpp"
#include "actors/snapshot_refresher/refresh_queries.hpp"
#include "tests/postgres/database_fixture.hpp"

#include <memory>
#include <string>
#include <vector>

namespace mana::testing {

class one_mission_fixture : public database_fixture {
protected:
  static constexpr auto past = "2026-03-01T08:00:00.000Z";
  inline static const mission_key mission{{"u1"}, {"m1"}};

  void SetUp() override {
    database_fixture::SetUp();
    runner = std::make_unique<pg::connection>(runner_url());
    insert_mission("u1", "m1", past);
    refresh();
  }
  void TearDown() override {
    runner.reset();
    database_fixture::TearDown();
  }

  void refresh() { refresh_batch(*runner, 500, {}); }
  void edit(const std::string& data, const std::string& stamps) { append("u1", "m1", "update", data, stamps); }

  std::vector<claimed_mission> claim() { return claim_due_missions(*runner, {100, 8}, terms_).missions; }
  claimed_mission claim_one() {
    auto claimed = claim();
    EXPECT_EQ(claimed.size(), 1u);
    return claimed.empty() ? claimed_mission{} : claimed[0];
  }
  leases_renewed renew(std::vector<lease> held = {}) { return renew_held_leases(*runner, held, terms_); }
  // The lease ends by the database's clock, as if nobody had renewed it.
  void end_lease() { query("UPDATE mana_ai.mission_snapshots SET lease_until = now() WHERE lease_token IS NOT NULL"); }

  // A plan of one step; the fingerprint is that of the grant it was made under.
  static end_run planned(const claimed_mission& m, const std::string& fingerprint = {}) {
    end_run r;
    r.held = m.held;
    r.slot = m.slot;
    r.how = run_end::planned;
    r.grant_fingerprint = fingerprint;
    plan p{"Plan", {{"Schritt", "create_task", json::object{{"title", "x"}}, "weil"}}};
    r.iteration =
        std::make_shared<const std::string>(json::to_text(planned_iteration(iteration_id_of(m.held.key, m.slot), p)));
    return r;
  }
  result<run_ended> end(const end_run& r) { return end_runs(*runner, {r}, {}).front(); }

  // Of the mission's snapshot.
  std::string column(const std::string& expression) {
    return query("SELECT " + expression + " FROM mana_ai.mission_snapshots WHERE mission_id = 'm1'");
  }

  std::unique_ptr<pg::connection> runner;

private:
  const claim_terms terms_{std::chrono::seconds{15}, "replica-a"};
};

} // namespace mana::testing
