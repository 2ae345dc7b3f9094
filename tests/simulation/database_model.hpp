// The database of a simulated world: what infra/postgres/migrations/mana_ai says, for a handful of missions, in
// memory and on one thread. Every function is one transaction. What is pure in the services (merging, schedules,
// iterations) is theirs; what they have as SQL is written again here.
//
// It shares a clock with nobody: replicas whose wall clocks differ have to agree on this one.
#pragma once

#include "actors/mission/merge.hpp"
#include "actors/mission/mission.hpp"
#include "messages/audit_writer.hpp"
#include "messages/iteration_writer.hpp"
#include "messages/mission_claimer.hpp"
#include "messages/record_reader.hpp"
#include "messages/snapshot_refresher.hpp"
#include "tests/simulation/invariants.hpp"
#include "tests/simulation/rules.hpp"
#include "tests/simulation/seeded_random.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mana::sim {

// A row of mana_ai.mission_snapshots.
struct snapshot {
  snapshot(merged_record r, change_position at) : record(std::move(r)), applied(std::move(at)) {}

  merged_record record;
  change_position applied;
  std::shared_ptr<const std::string> text; // of the record, as a claim gives it away; made when it is needed
  std::optional<std::string> grant;        // in force
  std::optional<timestamp> slot_at;
  std::optional<timestamp> claimable_at;
  std::string hold;
  unsigned attempt = 0;
  unsigned crashes = 0;
  bool quarantined = false;
  bool stop_requested = false;
  std::string last_error;
  std::optional<lease_token> token;
  timestamp lease_until;
  bool foreground = false; // the lease is a tab's
  std::int64_t reserved = 0;
};

// A row of mana_ai.user_turns, and the user's limits.
struct user_turn {
  user_limits limits;
  std::optional<timestamp> queue_at; // none: infinity
  timestamp served_at;
  timestamp held_until; // a budget is spent until then
  timestamp hour_at;
  std::size_t runs_in_hour = 0;
  timestamp day_at;
  std::int64_t tokens_in_day = 0;
};

struct database_notices {
  std::function<void()> log_changed = [] {};
  std::function<void(const std::vector<std::string>& grants)> grants_withdrawn = [](auto&) {};
};

class database_model {
public:
  database_model(std::function<timestamp()> now, std::uint64_t seed, invariants& books, broken_rule broken)
    : now_(std::move(now)), random_(seed), books_(books), broken_(broken) {}

  void notify(database_notices notices) { notices_ = std::move(notices); }
  void add_user(const user_id& user, user_limits limits) { users_[user].limits = limits; }
  // Rows that another transaction has locked are passed over by who does not wait.
  void set_busy_share(double p) { busy_share_ = p; }

  // -- what the services ask ----------------------------------------------------------------------------
  claimed_missions claim(const claim_missions& order);
  leases_renewed renew(const std::vector<lease>& held);
  handed_back hand_back(const std::vector<lease>& held, bool crashed);
  snapshots_refreshed refresh();
  records_read read(const read_records& order) const;
  void append_audit(const write_audit& order);
  result<run_ended> end(const end_run& end);
  bool release_quarantined(const mission_key& key);

  // -- what tabs ask, through the service: it folds what waits to be folded first -------------------------
  struct foreground_lease {
    lease_token token;
    timestamp slot;
  };
  std::optional<foreground_lease> claim_foreground(const mission_key& key);
  bool renew_foreground(const lease& l);
  void end_foreground(const lease& l);

  // -- what users do ---------------------------------------------------------------------------------------
  // `age`: how long ago the row's transaction began.
  void append(const mission_key& key, change_op op, json::value data, json::value stamps, milliseconds age);
  void store_record(const user_id& user, record_text record) { records_[{user, record.ref}] = std::move(record); }

  // -- for whoever judges a world ------------------------------------------------------------------------
  broken_rule broken() const noexcept { return broken_; }
  const std::map<mission_key, snapshot>& snapshots() const noexcept { return snapshots_; }
  const user_turn& turn(const user_id& user) const { return users_.at(user); }
  // The user has spent the hour's runs or the day's tokens.
  bool over_budget(const user_id& user) const { return users_.at(user).held_until > now_(); }
  merged_record whole_history(const mission_key& key) const;
  std::vector<mission_key> missions() const;

private:
  struct candidate {
    mission_key key;
    std::size_t rank = 0;  // among the user's missions
    std::size_t place = 0; // of the user in the line
  };
  bool is(broken_rule r) const noexcept { return broken_ == r; }
  bool busy() { return busy_share_ > 0 && random_.chance(busy_share_); }
  snapshot* held(const lease& l, bool by_time);
  std::vector<user_id> line() const;
  // Runs that each limit leaves room for.
  struct room {
    std::size_t in_flight, by_hour, by_tokens;
    std::size_t least() const { return std::min({in_flight, by_hour, by_tokens}); }
  };
  room room_of(const user_id& user, std::size_t per_user) const;
  std::vector<candidate> candidates(const std::vector<user_id>& users, const std::vector<room>& rooms) const;
  void move_in_line(const user_id& user, const room& had, std::size_t got);
  claimed_mission take(const mission_key& key);
  claimed_mission leased(const mission_key& key, snapshot& s);
  void rescue_tab(const mission_key& key, snapshot& s);
  std::optional<timestamp> next_claimable(const user_id& user) const;
  // tokens: charged besides, or given back; unrun: runs that do not count after all.
  void requeue(const user_id& user, std::int64_t tokens = 0, std::size_t unrun = 0);
  void roll_windows(const user_id& user, user_turn& turn) const;
  void end_lease(snapshot& s);
  void end_crashed(const mission_key& key, snapshot& s);
  std::size_t rescue();
  std::optional<milliseconds> waiting() const;

  void store(const mission_key& key, merged_record record, change_position applied);
  void schedule(const mission_key& key, snapshot& s, bool is_new);
  void request_stop(const std::vector<std::string>& grants);
  result<run_ended> release(const end_run& end);
  result<run_ended> write(const end_run& end);
  void freshen(const mission_key& key, snapshot& s);
  void write_iteration(const end_run& end, snapshot& s);
  bool is_written(const end_run& end) const;

  std::function<timestamp()> now_;
  seeded_random random_;
  invariants& books_;
  broken_rule broken_;
  database_notices notices_;
  double busy_share_ = 0;
  std::map<mission_key, snapshot> snapshots_;
  std::map<user_id, user_turn> users_;
  std::map<mission_key, std::vector<change>> log_;
  std::map<mission_key, std::vector<std::size_t>> dirty_; // indexes into the log
  std::map<std::pair<user_id, record_ref>, record_text> records_;
  std::uint64_t next_id_ = 1;
};

} // namespace mana::sim
