// All series of the runner, one struct per owner, resolved once when the owner starts. Structs may
// be made more than once: they refer to the same series. Updating a series is lock-free and allowed
// from any thread. Labels are bounded: no user, mission or URL ever is one.
#pragma once

#include "infra/metrics/registry.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace mana::metrics {

inline double seconds(std::chrono::nanoseconds d) { return std::chrono::duration<double>(d).count(); }

// The series of one family by the value of its one label. The values are known in advance, so each
// exists from the start with 0; all other values share `other`.
template <class T>
class series_by_label {
public:
  template <class... Args>
  series_by_label(family<T>& f, const std::string& label, const std::vector<std::string_view>& values,
                  const Args&... args) {
    for (auto value : values)
      known_.emplace(value, &f.Add({{label, std::string{value}}}, args...));
    other_ = [&f, label, args...]() -> T& { return f.Add({{label, "other"}}, args...); };
  }
  T& operator[](std::string_view value) const {
    auto i = known_.find(value);
    return i == known_.end() ? other_() : *i->second;
  }

private:
  std::map<std::string, T*, std::less<>> known_;
  std::function<T&()> other_;
};

struct scheduler_metrics {
  explicit scheduler_metrics(registry& r);
  counter& ticks;
  histogram& tick_duration;
  counter& plans_produced;
  counter& plans_written_back;
  histogram& due_to_planned; // from the slot to the committed plan, by the database's clock
  counter& parse_failures;
  counter& mission_errors;
  gauge& oldest_claimable_age; // seconds
  gauge& runs_in_flight;
  gauge& users_over_budget; // of all replicas
  counter& lease_losses;
  counter& leases_rescued;
  series_by_label<counter> run_outcomes; // run_end's, lease_lost, cancelled, revoked, account_deleted
};

struct quarantine_metrics {
  explicit quarantine_metrics(registry& r);
  gauge& missions;      // of all users, now
  counter& crashes;     // claims that ended with their planner or runner
  counter& quarantines; // that this process found necessary
};

struct planner_metrics {
  explicit planner_metrics(registry& r);
  histogram& request_duration;               // of one LLM call, as the planner sees it
  counter& tokens;                           // prompt and completion
  series_by_label<histogram> run_stages;     // read, audit, llm, write
  series_by_label<counter> decrypts;         // fields, by table
  series_by_label<counter> grant_skips;      // by reason
  series_by_label<counter> scope_violations; // by table
  counter& decrypt_events;                   // records; each owes an audit row
};

// Only where MANA_AI_KEY_EXPIRES says a day: without it there is no series to alert on.
struct grant_key_metrics {
  explicit grant_key_metrics(registry& r);
  gauge& expiry; // seconds since 1970
};

// By group of users (user_group.hpp).
struct user_group_metrics {
  explicit user_group_metrics(registry& r);
  series_by_label<counter> runs;
  series_by_label<counter> tokens;
  series_by_label<counter> wait_seconds; // from the slot to its first claim
};

struct refresher_metrics {
  explicit refresher_metrics(registry& r);
  counter& snapshots_new;
  counter& snapshots_updated;
  counter& rows_applied;
  gauge& dirty_rows;
};

struct listener_metrics {
  explicit listener_metrics(registry& r);
  gauge& healthy; // 1 while notifications are known to arrive
};

struct audit_metrics {
  explicit audit_metrics(registry& r);
  counter& rows;
  counter& commits; // rows / commits: how many share one
  counter& rows_found;
  counter& rows_given_up;
  counter& unavailable;
  histogram& duration; // of a request, until its rows were durable or given up
};

struct maintenance_metrics {
  explicit maintenance_metrics(registry& r);
  gauge& last_success; // seconds since 1970, of this replica
  counter& failures;
  counter& partitions_dropped;
};

class llm_metrics {
public:
  explicit llm_metrics(registry& r);
  gauge& calls_in_flight;
  gauge& calls_waiting;
  gauge& circuit_open;               // 1 while no endpoint takes calls
  series_by_label<counter> attempts; // single HTTP requests, by attempt class
  counter& retries_spent;            // calls not repeated because the retry budget was spent

  struct endpoint_series {
    gauge& limit; // of calls in flight, as adapted
    gauge& in_flight;
    gauge& circuit;     // 0 closed, 1 half open, 2 open
    counter& failovers; // calls sent to it because those before it took none
  };
  // From 0; its label counts from 1, and URLs never are one. Takes a lock.
  endpoint_series endpoint(std::size_t number);

private:
  family<gauge>& limits_;
  family<gauge>& in_flight_;
  family<gauge>& circuits_;
  family<counter>& failovers_;
};

class database_metrics {
public:
  explicit database_metrics(registry& r);
  gauge& queue_depth;
  histogram& pool_wait; // from the request to a free connection
  // Of a statement or job, by its literal name; takes a lock.
  histogram& statement(std::string_view name);

private:
  family<histogram>& statements_;
  std::mutex mutex_;
  std::map<std::string, histogram*, std::less<>> by_name_;
};

// Of the auth target.
class vault_metrics {
public:
  explicit vault_metrics(registry& r);
  // By the words of the vault's audit; takes a lock.
  counter& attempt(std::string_view action, std::string_view outcome);

private:
  family<counter>& attempts_;

public:
  counter& unrecorded; // refusals without a row; alert above 0
};

// Of the sync target.
struct sync_metrics {
  explicit sync_metrics(registry& r);
  counter& rows_pushed;
  counter& rows_repeated; // pushed again; their events were in the log
  counter& rows_pulled;
  counter& notices;  // of committed changes, from the database
  counter& messages; // to WebSockets
  gauge& sockets;
  gauge& listener_healthy;                 // 1 while notices are known to arrive
  series_by_label<counter> sockets_closed; // by reason
};

// Only where spans are exported.
struct tracing_metrics {
  explicit tracing_metrics(registry& r);
  counter& exported;
  series_by_label<counter> dropped; // by reason
};

class http_metrics {
public:
  explicit http_metrics(registry& r);
  // `pattern` is the route's, empty for requests that matched none. Unknown methods count as OTHER.
  void record(std::string_view method, std::string_view pattern, unsigned status, std::chrono::nanoseconds duration);

private:
  struct series {
    counter* requests;
    histogram* duration;
  };
  family<counter>& requests_;
  family<histogram>& durations_;
  std::mutex mutex_;
  std::map<std::tuple<std::string, std::string, unsigned>, series> known_;
};

} // namespace mana::metrics
