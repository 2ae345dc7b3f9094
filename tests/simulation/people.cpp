#include "tests/simulation/people.hpp"

#include "infra/crypto/grant/grant.hpp"
#include "tests/granted_record.hpp"

#include <algorithm>
#include <mutex>

namespace mana::sim {

namespace {

using namespace std::chrono_literals;

const timestamp grants_issued = *parse_iso("2026-03-01T00:00:00Z");

// RSA costs more than the rest of a world: what is sealed for one world serves all.
const json::value& known_grant(const mission_key& key, const std::string& record, int number) {
  static std::mutex mutex; // worlds live side by side
  static std::map<std::tuple<mission_key, int>, json::value> all;
  std::lock_guard lock{mutex};
  auto [it, is_new] = all.try_emplace({key, number});
  if (is_new)
    it->second = test::issue_test_grant(key, grants_issued, {"notes:" + record});
  return it->second;
}

const std::string& sealed_note(const user_id& user, const std::string& record) {
  static std::mutex mutex;
  static std::map<std::pair<user_id, std::string>, std::string> all;
  std::lock_guard lock{mutex};
  auto [it, is_new] = all.try_emplace({user, record});
  if (is_new)
    it->second =
        json::to_text(json::object{{"title", test::seal_text("notes", record, "title", granted_text(user, record))}});
  return it->second;
}

std::string note_of(const mission_key& key) { return "n" + key.mission.value; }

} // namespace

void people::move_in(std::size_t users) {
  for (std::size_t u = 1; u <= users; ++u) {
    user_id user{"u" + std::to_string(u)};
    clocks_[user] = random_.between(-2min, 2min);
    user_limits limits;
    if (random_.chance(0.25))
      limits.runs_per_hour = static_cast<std::size_t>(random_.between(1, 4));
    if (random_.chance(0.25))
      limits.tokens_per_day = tokens_per_run * random_.between(1, 4) + random_.between(0, tokens_per_run - 1);
    around_.database.add_user(user, limits);
    around_.books.limit(user, limits);
    auto missions = static_cast<std::size_t>(random_.between(1, 3));
    for (std::size_t m = 1; m <= missions; ++m)
      add_mission(user, m);
  }
}

void people::add_mission(const user_id& user, std::size_t number) {
  owned m;
  m.key = {user, {"m" + std::to_string(number)}};
  m.granted = random_.chance(0.3);
  json::array inputs;
  json::object record{{"title", "Mission"}, {"objective", "Ordnung"}, {"state", "active"}, {"cadence", cadence()}};
  if (random_.chance(0.95))
    record.set("nextRunAt", to_iso(soon()));
  if (m.granted) {
    auto note = note_of(m.key);
    add_note(user, note);
    inputs.push_back(json::object{{"module", "notes"}, {"table", "notes"}, {"id", note}});
    record.set("grant", fresh_grant(m));
  }
  if (!m.granted || random_.chance(0.5)) {
    around_.database.store_record(user, {{"companion", "companionGoals", "g1"}, R"({"title":"Wasser"})", {}});
    inputs.push_back(json::object{{"module", "goals"}, {"table", "companionGoals"}, {"id", "g1"}});
  }
  record.set("inputs", std::move(inputs));
  record.set("createdAt", to_iso(around_.database_now() - 1h));
  record.set("updatedAt", to_iso(around_.database_now() - 1h));
  if (random_.chance(0.06))
    around_.poisons[m.key] = static_cast<poison>(random_.between(1, 3));
  around_.database.append(m.key, change_op::insert, std::move(record), json::object{}, 0ms);
  missions_.push_back(std::move(m));
}

void people::add_note(const user_id& user, const std::string& record) {
  around_.database.store_record(user, {{"notes", "notes", record}, sealed_note(user, record), {}});
}

json::value people::fresh_grant(owned& m) {
  auto& grant = known_grant(m.key, note_of(m.key), m.grants_so_far++);
  around_.books.grant_is(m.key, crypto::grant_fingerprint(grant));
  return grant;
}

json::value people::cadence() {
  if (random_.chance(0.05))
    return json::object{{"kind", "manual"}};
  if (random_.chance(0.05))
    return json::object{{"kind", "daily"}, {"atHour", 99}};
  return json::object{{"kind", "interval"}, {"everyMinutes", random_.between(5, 8)}};
}

timestamp people::soon() { return around_.database_now() + random_.between(-20s, 120s); }

// Of one mission ascending, whatever the clock says: a browser does not write into its own past.
std::string people::stamp(owned& m) {
  m.last_stamp = std::max(m.last_stamp + 1ms, around_.database_now() + clocks_[m.key.user]);
  return to_iso(m.last_stamp);
}

void people::write(owned& m, const char* what, json::object fields) {
  around_.log(m.key.user.value, m.key.mission.value, "user:", what);
  json::object stamps;
  auto now = stamp(m);
  for (auto& [name, v] : fields)
    stamps.set(name, now);
  around_.database.append(m.key, change_op::update, std::move(fields), std::move(stamps),
                          random_.chance(0.2) ? random_.between(0ms, 3s) : 0ms);
}

void people::act(const habits& h) {
  auto& m = missions_[random_.below(missions_.size())];
  auto r = random_.share();
  if ((r -= h.move_slot) < 0)
    write(m, "moves the slot", {{"nextRunAt", to_iso(soon())}});
  else if ((r -= h.pause) < 0)
    write(m, "pauses", {{"state", random_.chance(0.5) ? "paused" : "active"}});
  else if ((r -= h.edit) < 0)
    write(m, "edits", {{"state", "active"}, {"objective", "Ordnung " + std::to_string(random_.below(100))}});
  else if ((r -= h.change_grant) < 0)
    change_grant(m);
  else if ((r -= h.erase) < 0)
    erase(m);
  else
    review(m);
}

void people::write_from_tab(const mission_key& key, json::object fields) {
  auto m = std::find_if(missions_.begin(), missions_.end(), [&](auto& o) { return o.key == key; });
  write(*m, "writes an iteration", std::move(fields));
}

void people::change_grant(owned& m) {
  if (!m.granted)
    return;
  if (random_.chance(0.5)) {
    around_.books.grant_is(m.key, std::nullopt);
    write(m, "withdraws the grant", {{"grant", nullptr}});
  } else {
    write(m, "renews the grant", {{"grant", fresh_grant(m)}});
  }
}

// From what the browser has seen, which may be behind.
void people::review(owned& m) {
  auto known = around_.database.snapshots().find(m.key);
  if (known == around_.database.snapshots().end())
    return;
  auto* iterations = known->second.record.fields().find("iterations");
  auto* seen = iterations == nullptr ? nullptr : iterations->as_array();
  if (seen == nullptr || seen->empty())
    return;
  auto reviewed = *seen;
  for (auto& i : reviewed)
    if (i.text("overallStatus") == "awaiting-review")
      i.as_object()->set("overallStatus", random_.chance(0.7) ? "approved" : "rejected");
  write(m, "reviews", {{"iterations", std::move(reviewed)}});
}

void people::erase(owned& m) {
  if (m.erased) {
    m.erased = false;
    return write(m, "undeletes", {{"deletedAt", nullptr}});
  }
  m.erased = true;
  write(m, "deletes", {{"deletedAt", to_iso(around_.database_now())}});
}

} // namespace mana::sim
