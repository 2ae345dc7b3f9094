#include "messages/errors.hpp"

namespace mana {

std::string_view to_string(errc code) noexcept {
  switch (code) {
    case errc::database_unavailable: return "database_unavailable";
    case errc::database_overloaded: return "database_overloaded";
    case errc::database_timeout: return "database_timeout";
    case errc::database_conflict: return "database_conflict";
    case errc::commit_in_doubt: return "commit_in_doubt";
    case errc::database_refused: return "database_refused";
    case errc::database_read_only: return "database_read_only";
    case errc::llm_unreachable: return "llm_unreachable";
    case errc::llm_timeout: return "llm_timeout";
    case errc::llm_refused: return "llm_refused";
    case errc::llm_failed: return "llm_failed";
    case errc::llm_rate_limited: return "llm_rate_limited";
    case errc::llm_circuit_open: return "llm_circuit_open";
    case errc::llm_overloaded: return "llm_overloaded";
    case errc::llm_answer_too_large: return "llm_answer_too_large";
    case errc::llm_answer_invalid: return "llm_answer_invalid";
    case errc::llm_retries_spent: return "llm_retries_spent";
    case errc::plan_rejected: return "plan_rejected";
    case errc::cadence_invalid: return "cadence_invalid";
    case errc::mission_invalid: return "mission_invalid";
    case errc::attempts_exhausted: return "attempts_exhausted";
    case errc::audit_unavailable: return "audit_unavailable";
    case errc::quarantined: return "quarantined";
    case errc::lease_lost: return "lease_lost";
    case errc::cancelled: return "cancelled";
    case errc::shutting_down: return "shutting_down";
    case errc::grant_revoked: return "grant_revoked";
    case errc::account_deleted: return "account_deleted";
    case errc::mission_running: return "mission_running";
    case errc::mission_not_due: return "mission_not_due";
    case errc::mission_has_grant: return "mission_has_grant";
    case errc::mission_held: return "mission_held";
    case errc::mission_unknown: return "mission_unknown";
    case errc::token_budget_spent: return "token_budget_spent";
    case errc::json_malformed: return "json_malformed";
    case errc::limit_exceeded: return "limit_exceeded";
    case errc::bad_request: return "bad_request";
    case errc::unauthorized: return "unauthorized";
    case errc::not_found: return "not_found";
    case errc::config_invalid: return "config_invalid";
    case errc::rate_limited: return "rate_limited";
    case errc::overloaded: return "overloaded";
    case errc::grant_not_configured: return "grant_not_configured";
    case errc::vault_not_initialised: return "vault_not_initialised";
    case errc::vault_exists: return "vault_exists";
    case errc::zero_knowledge_active: return "zero_knowledge_active";
    case errc::recovery_wrap_missing: return "recovery_wrap_missing";
    case errc::vault_key_unknown: return "vault_key_unknown";
    case errc::name_taken: return "name_taken";
    case errc::internal: return "internal";
    case errc::export_failed: return "export_failed";
  }
  return "unknown";
}

} // namespace mana
