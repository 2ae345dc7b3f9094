#include "actors/supervisor/run_spans.hpp"

#include "infra/metrics/user_group.hpp"
#include "messages/timestamp.hpp"

namespace mana {

namespace {

void add(ended_span& out, std::string_view name, std::string_view value) {
  out.attributes.emplace_back(name, std::string{value});
}
void add(ended_span& out, std::string_view name, std::int64_t value) { out.attributes.emplace_back(name, value); }

void add_error(ended_span& out, const std::optional<errc>& error) {
  if (error)
    add(out, "error.type", to_string(*error));
}

} // namespace

std::string_view outcome_of(const run_finished& run) {
  if (run.error == errc::grant_revoked)
    return "revoked";
  if (run.error == errc::account_deleted)
    return "account_deleted";
  if (run.ended)
    switch (*run.ended) {
      case run_end::planned: return "planned";
      case run_end::failed: return "failed";
      case run_end::retry: return "retry";
      case run_end::parked: return "parked";
    }
  return run.error == errc::lease_lost ? "lease_lost" : "cancelled";
}

bool ended_as_it_should(const run_finished& run) {
  return run.ended == run_end::planned || run.error == errc::shutting_down;
}

std::vector<llm_endpoint_name> llm_endpoints_of(const llm_client_config& config) {
  std::vector<llm_endpoint_name> out;
  for (auto& e : config.endpoints) {
    auto at = net::parse_url(e.url);
    out.push_back({at ? at->host : std::string{}, at ? at->port : 0, e.model});
  }
  return out;
}

void describe(const run_finished& run, ended_span& out) {
  out.name = "run";
  add(out, "mana.mission.id", run.held.key.mission.value);
  add(out, "mana.user.group", metrics::user_group(run.held.key.user.value));
  add(out, "mana.run.slot", to_iso(run.slot));
  add(out, "mana.run.attempt", static_cast<std::int64_t>(run.attempt));
  add(out, "mana.run.outcome", outcome_of(run));
  if (!run.grant.empty())
    add(out, "mana.run.grant", run.grant);
  add(out, "mana.run.tokens", run.tokens);
  add_error(out, run.error);
  out.failed = !ended_as_it_should(run);
}

void describe(const ended_stage& stage, ended_span& out) {
  out.name = stage.name;
  add_error(out, stage.error);
  out.failed = stage.error.has_value();
}

void describe(const llm_attempt& attempt, const llm_endpoint_name& at, ended_span& out) {
  out.kind = span_kind::client;
  out.name = "chat " + at.model;
  add(out, "gen_ai.operation.name", "chat");
  add(out, "gen_ai.request.model", at.model);
  add(out, "server.address", at.host);
  add(out, "server.port", at.port);
  add(out, "mana.llm.endpoint", static_cast<std::int64_t>(attempt.endpoint + 1));
  add(out, "http.request.method", "POST");
  if (attempt.status != 0)
    add(out, "http.response.status_code", static_cast<std::int64_t>(attempt.status));
  if (attempt.retry > 0)
    add(out, "http.request.resend_count", static_cast<std::int64_t>(attempt.retry));
  if (attempt.prompt_tokens > 0)
    add(out, "gen_ai.usage.input_tokens", attempt.prompt_tokens);
  if (attempt.completion_tokens > 0)
    add(out, "gen_ai.usage.output_tokens", attempt.completion_tokens);
  add_error(out, attempt.error);
  out.failed = attempt.error.has_value();
}

} // namespace mana
