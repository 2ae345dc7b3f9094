// What must hold in every world, whatever fails in it. The books are kept from what was seen at the border of the
// database and of the language model, not from the state of either: a model that breaks a rule is caught here.
#pragma once

#include "infra/json/value.hpp"
#include "messages/iteration_writer.hpp"
#include "messages/mission_claimer.hpp"
#include "tests/simulation/rules.hpp"
#include "tests/simulation/trace.hpp"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace mana::sim {

// How the text of a granted record looks: nothing else in a world contains it.
std::string granted_text(const user_id& user, std::string_view record);

class invariants {
public:
  invariants(trace& log, std::function<timestamp()> database_now) : log_(log), now_(std::move(database_now)) {}

  void limit(const user_id& user, user_limits limits) { limits_[user] = limits; }

  // -- what the database did ------------------------------------------------------------------------
  void claimed(const claimed_mission& run, const std::optional<std::string>& grant, timestamp until);
  void renewed(const lease& held, timestamp until);
  void released(const lease& held, bool counts);
  void handed_back(const lease& held, bool counts);
  void rescued(const lease& held, bool of_tab);
  void gone(const lease& held); // with its mission
  // `iterations`: of the row that was appended to the log.
  void written(const end_run& end, const json::array& iterations);
  void audited(const lease& held, const std::string& record);
  void quarantined(const mission_key& key) { quarantined_.insert(key); }
  void freed(const mission_key& key) { quarantined_.erase(key); }

  // -- what users did, and who heard of it --------------------------------------------------------------
  void grant_is(const mission_key& key, std::optional<std::string> fingerprint) {
    grants_[key] = std::move(fingerprint);
  }
  void heard_of_withdrawal(std::size_t replica, const std::string& fingerprint);
  void forgot(std::size_t replica) { heard_.erase(replica); }

  // A tab that holds the lease of this slot has written its iteration.
  void tab_wrote(const lease& held, const std::string& iteration, const std::string& started_at);

  // -- what the language model was asked ----------------------------------------------------------------
  void prompted(std::size_t replica, const lease_token& token, std::string_view prompt);
  void answered(const lease_token& token, std::int64_t tokens);

  // Also for what is found out elsewhere. The first one is kept.
  void violated(std::string rule, const std::string& what);
  const std::optional<std::string>& violation() const noexcept { return violation_; }

  std::size_t planned() const noexcept { return planned_; }
  std::size_t failed() const noexcept { return failed_; }
  // Of a mission: none may be missing from its record.
  std::set<std::string> iterations_of(const mission_key& key) const;

private:
  struct run {
    lease held;
    timestamp slot;
    timestamp claimed_at;
    timestamp until;
    unsigned attempt = 1;
    unsigned crashes = 0;
    std::optional<std::string> grant;
    bool over = false;
    bool counts = true; // among the runs of its hour
    bool shown_granted = false;
    std::int64_t tokens = 0;
    std::set<std::string> audited;
  };
  run* find(const lease& held, const char* doing);
  bool live(const run& r) const { return !r.over && r.until > now_(); }
  void must_be_live(const lease& held, const char* doing);
  void check_limits(const run& started);
  void check_shown(std::size_t replica, run& r, std::string_view prompt);
  std::int64_t tokens_of_day(const user_id& user, timestamp day) const;

  trace& log_;
  std::function<timestamp()> now_;
  std::map<user_id, user_limits> limits_;
  std::map<lease_token, run> runs_;
  std::map<std::pair<mission_key, std::string>, std::string> started_;     // startedAt of each iteration
  std::map<std::pair<mission_key, timestamp>, timestamp> planned_by_tabs_; // slots, and when
  std::map<mission_key, unsigned> crashes_;                                // of replicas
  std::map<mission_key, std::optional<std::string>> grants_;
  std::map<std::size_t, std::map<std::string, timestamp>> heard_;
  std::set<mission_key> quarantined_;
  std::size_t planned_ = 0;
  std::size_t failed_ = 0;
  std::optional<std::string> violation_;
};

} // namespace mana::sim
