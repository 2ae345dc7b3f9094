#include "tests/simulation/tabs.hpp"

#include "actors/mission/iteration.hpp"

#include <algorithm>

namespace mana::sim {

using namespace std::chrono_literals;

// Replicas wake up for the same moment.
void tabs::open() {
  auto missions = around_.database.missions();
  auto& key = missions[random_.below(missions.size())];
  auto known = around_.database.snapshots().find(key);
  if (known == around_.database.snapshots().end() || !known->second.claimable_at)
    return;
  milliseconds ahead{*known->second.claimable_at - around_.database_now()};
  around_.loop.after(std::max(0ms, ahead) + random_.between(0ms, 20ms), [this, key] { plan(key); });
}

void tabs::plan(const mission_key& key) {
  auto claimed = around_.database.claim_foreground(key);
  if (!claimed)
    return;
  auto t = std::make_shared<tab>(tab{{key, claimed->token}, claimed->slot});
  log(*t, "has", t->held.token.value);
  auto fate = random_.share();
  if (fate < 0.25)
    return log(*t, "goes away");
  auto takes = random_.between(500ms, 40s);
  if (fate < 0.4)
    takes += lease_duration; // asleep
  else
    keep_lease(t);
  around_.loop.after(takes, [this, t] { write(t); });
}

void tabs::keep_lease(const tab_ptr& t) {
  around_.loop.after(lease_duration / 3, [this, t] {
    if (!t->done && renew(t))
      keep_lease(t);
  });
}

bool tabs::renew(const tab_ptr& t) {
  if (around_.database.renew_foreground(t->held))
    return true;
  t->done = true;
  log(*t, "has lost", t->held.token.value);
  return false;
}

// Not before it knows that the slot is still its own. What it then sends may take a while.
void tabs::write(const tab_ptr& t) {
  if (t->done || !renew(t))
    return;
  t->done = true;
  around_.loop.after(random_.between(0ms, 100ms), [this, t] {
    auto now = around_.database_now();
    auto id = iteration_id_of(t->held.key, t->slot);
    json::object iteration{{"id", id},
                           {"source", "browser"},
                           {"startedAt", to_iso(now)},
                           {"finishedAt", to_iso(now)},
                           {"plan", json::array{}},
                           {"overallStatus", "awaiting-review"}};
    around_.books.tab_wrote(t->held, id, to_iso(now));
    users_.write_from_tab(t->held.key, {{"iterations", json::array{std::move(iteration)}},
                                        {"nextRunAt", to_iso(now + random_.between(5min, 8min))}});
    if (random_.chance(0.7))
      around_.loop.after(random_.between(0ms, 3s), [this, t] { close(t); });
  });
}

void tabs::close(const tab_ptr& t) {
  log(*t, "gives back", t->held.token.value);
  around_.database.end_foreground(t->held);
}

} // namespace mana::sim
