#include "http/server/error_response.hpp"

#include "infra/json/value.hpp"
#include "messages/retry_after.hpp"

namespace mana::http {

status_and_code to_http(errc code) noexcept {
  switch (code) {
    case errc::database_unavailable: return {503, "DATABASE_UNAVAILABLE"};
    case errc::database_overloaded: return {503, "OVERLOADED"};
    case errc::database_timeout: return {504, "DATABASE_TIMEOUT"};
    case errc::database_conflict: return {503, "DATABASE_CONFLICT"};
    case errc::commit_in_doubt: return {503, "COMMIT_IN_DOUBT"};
    case errc::database_refused: return {500, "INTERNAL"};
    case errc::database_read_only: return {503, "DATABASE_READ_ONLY"};
    case errc::llm_unreachable: return {502, "LLM_UNREACHABLE"};
    case errc::llm_timeout: return {504, "LLM_TIMEOUT"};
    case errc::llm_refused: return {502, "LLM_REFUSED"};
    case errc::llm_failed: return {502, "LLM_FAILED"};
    case errc::llm_rate_limited: return {503, "LLM_RATE_LIMITED"};
    case errc::llm_circuit_open: return {503, "LLM_CIRCUIT_OPEN"};
    case errc::llm_overloaded: return {503, "OVERLOADED"};
    case errc::llm_answer_too_large: return {502, "LLM_ANSWER_TOO_LARGE"};
    case errc::llm_answer_invalid: return {502, "LLM_ANSWER_INVALID"};
    case errc::llm_retries_spent: return {503, "LLM_RETRIES_SPENT"};
    case errc::plan_rejected: return {422, "PLAN_REJECTED"};
    case errc::cadence_invalid: return {422, "CADENCE_INVALID"};
    case errc::mission_invalid: return {422, "MISSION_INVALID"};
    case errc::attempts_exhausted: return {409, "ATTEMPTS_EXHAUSTED"};
    case errc::audit_unavailable: return {503, "AUDIT_UNAVAILABLE"};
    case errc::quarantined: return {409, "MISSION_QUARANTINED"};
    case errc::lease_lost: return {409, "LEASE_LOST"};
    case errc::cancelled: return {503, "CANCELLED"};
    case errc::shutting_down: return {503, "SHUTTING_DOWN"};
    case errc::grant_revoked: return {409, "GRANT_REVOKED"};
    case errc::account_deleted: return {410, "ACCOUNT_DELETED"};
    case errc::mission_running: return {409, "MISSION_RUNNING"};
    case errc::mission_not_due: return {409, "NOT_DUE"};
    case errc::mission_has_grant: return {409, "MISSION_HAS_GRANT"};
    case errc::mission_held: return {409, "MISSION_HELD"};
    case errc::mission_unknown: return {404, "MISSION_UNKNOWN"};
    case errc::token_budget_spent: return {429, "TOKEN_BUDGET_SPENT"};
    case errc::json_malformed: return {400, "BAD_REQUEST"};
    case errc::limit_exceeded: return {413, "LIMIT_EXCEEDED"};
    case errc::bad_request: return {400, "BAD_REQUEST"};
    case errc::unauthorized: return {401, "UNAUTHORIZED"};
    case errc::not_found: return {404, "NOT_FOUND"};
    case errc::rate_limited: return {429, "RATE_LIMITED"};
    case errc::overloaded: return {503, "OVERLOADED"};
    case errc::grant_not_configured: return {503, "GRANT_NOT_CONFIGURED"};
    case errc::vault_not_initialised: return {404, "VAULT_NOT_INITIALISED"};
    case errc::vault_exists: return {409, "VAULT_EXISTS"};
    case errc::zero_knowledge_active: return {409, "ZK_ACTIVE"};
    case errc::recovery_wrap_missing: return {409, "RECOVERY_WRAP_MISSING"};
    case errc::vault_key_unknown: return {503, "VAULT_KEY_UNKNOWN"};
    case errc::name_taken: return {409, "NAME_TAKEN"};
    case errc::config_invalid:
    case errc::export_failed:
    case errc::internal: return {500, "INTERNAL"};
  }
  return {500, "INTERNAL"};
}

response error_response(unsigned status, std::string_view code, std::string_view text) {
  response out;
  out.status = status;
  out.body = json::to_text(json::object{{"error", text}, {"code", code}});
  return out;
}

response error_response(const failure& f) {
  auto [status, code] = to_http(f.code);
  if (f.code == errc::unauthorized) {
    auto out = error_response(status, code, f.detail.empty() ? to_string(f.code) : std::string_view{f.detail});
    out.headers.emplace_back("WWW-Authenticate", "Bearer");
    return out;
  }
  if (auto wait = retry_after(f)) {
    auto out = error_response(status, code, f.detail);
    out.headers.emplace_back("Retry-After", std::to_string(wait->count()));
    return out;
  }
  if (status >= 400 && status < 500 && !f.detail.empty())
    return error_response(status, code, f.detail);
  switch (status) {
    case 500: return error_response(status, code, "internal error");
    case 502: return error_response(status, code, "the service behind this one failed");
    case 503: return error_response(status, code, "temporarily unavailable; try again later");
    case 504: return error_response(status, code, "the service behind this one did not answer in time");
    default: return error_response(status, code, to_string(f.code));
  }
}

response internal_error() { return error_response(500, "INTERNAL", "internal error"); }

} // namespace mana::http
