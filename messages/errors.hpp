// The one error enum of the application. Numbers are part of logs and dashboards: they are never
// reused. Errors are values; exceptions of libraries become codes where they enter (one function
// for libpqxx, one for the network) and nowhere else.
#pragma once

#include <cstdint>
#include <string_view>

namespace mana {

enum class errc : std::uint8_t {
  // -- database; emitted by infra/postgres ------------------------------------------------------
  database_unavailable = 1, // no connection, or it broke before COMMIT was sent: retry later
  database_overloaded = 2,  // the pool's queue is full: retry later
  database_timeout = 3,     // statement or lock timeout: retry later
  database_conflict = 4,    // serialization failure or deadlock that outlived its retries: retry
  commit_in_doubt = 5,      // the connection broke while COMMIT was under way: look, then retry
  database_refused = 6,     // SQL error, missing right, constraint: a bug or a wrong set-up
  database_read_only = 7,   // standby or read-only state: retry later

  // -- LLM; emitted by actors/llm_client --------------------------------------------------------
  llm_unreachable = 20,      // no connection within the connect deadline, after all retries
  llm_timeout = 21,          // first-byte or total deadline passed
  llm_refused = 22,          // 4xx other than 408 and 429: no retry, the request itself is refused
  llm_failed = 23,           // 5xx or a broken answer, after all retries
  llm_rate_limited = 24,     // 429, and Retry-After reaches beyond the total deadline: retry later
  llm_circuit_open = 25,     // the endpoint failed too often lately: retry later
  llm_overloaded = 26,       // too many calls wait already in this replica: retry later
  llm_answer_too_large = 27, // response above the size limit: no retry of the call
  llm_answer_invalid = 28,   // 200, but no chat completion: retried like llm_failed
  llm_retries_spent = 29,    // too many calls failed lately for one more: retry later

  // -- planning; emitted by actors/planner, actors/mission and actors/audit_writer -----------------------------------
  plan_rejected = 40,      // the answer is no valid plan; the detail names the step and field
  cadence_invalid = 41,    // the mission's cadence cannot be scheduled; the detail names the field
  mission_invalid = 42,    // the mission record lacks what a run needs; the detail names the field
  attempts_exhausted = 43, // the slot was claimed too often without an outcome
  audit_unavailable = 44,  // decrypts could not be recorded in time, so nothing was used
  quarantined = 45,        // the mission ended its runner too often; it waits for an operator

  // -- runs; emitted by scheduler, planner, iteration_writer --------------------------------------
  lease_lost = 60,      // another replica owns the mission by now, or it is gone: drop the result
  cancelled = 61,       // the requester ended, or the run was stopped
  shutting_down = 62,   // the service stops; the work was handed back
  grant_revoked = 63,   // the grant that the run used was replaced or withdrawn meanwhile: drop the result
  account_deleted = 64, // the user is gone: drop everything

  // -- what a user's own tab asks for; emitted by actors/foreground_runs and actors/llm_proxy ---------
  mission_running = 65,    // somebody has the mission already: retry later
  mission_not_due = 66,    // nothing to run (yet); the detail says when
  mission_has_grant = 67,  // the server's, since no tab can open the grant
  mission_held = 68,       // it waits for its user or an operator, or a limit is reached; the detail says which
  mission_unknown = 69,    // the user has no such mission
  token_budget_spent = 70, // the user's tokens of the day; the detail says when to come back

  // -- input from outside ---------------------------------------------------------------------------
  json_malformed = 80, // not JSON, or beyond the depth limit
  limit_exceeded = 81, // a size or count limit; the detail names it
  bad_request = 82,    // a request's field is missing or wrong; the detail names it
  unauthorized = 83,
  not_found = 84,
  config_invalid = 85, // a setting is missing or wrong; the detail names it
  rate_limited = 86,   // too many requests of this user or address; the detail says when to come back
  overloaded = 87,     // this replica has too much of such work already: retry later

  // -- vault, grants, sign-in; emitted by the actors of the auth target -----------------------------
  grant_not_configured = 90,  // no public key of the runner
  vault_not_initialised = 91, // the user has no vault yet
  vault_exists = 92,          // init of a vault that is there
  zero_knowledge_active = 93, // the server holds no key it could use
  recovery_wrap_missing = 94, // zero-knowledge needs a recovery wrap first
  vault_key_unknown = 95,     // the KEK that wrapped this vault is not configured
  name_taken = 96,            // registration with a name that is in use

  internal = 99, // a defect of ours; the detail says where

  // -- traces; emitted by actors/span_exporter --------------------------------------------------------
  export_failed = 100 // the collector did not take spans; said in the log only
};

// The name as it appears in logs, metrics and `last_error_code`: the enumerator's own.
std::string_view to_string(errc code) noexcept;

} // namespace mana
