#include "actors/supervisor/llm_settings.hpp"

namespace mana {

namespace {

// Each endpoint has its own key or none: one provider's key is not for another's eyes.
std::vector<llm_endpoint_config> endpoints_of(const config::settings& s) {
  auto model = [&](const std::string& own) { return own.empty() ? s.llm_model : own; };
  std::vector<llm_endpoint_config> out{{s.llm_url, s.llm_api_key.reveal(), s.llm_ca_file, s.llm_model}};
  if (!s.llm_url_2.empty())
    out.push_back({s.llm_url_2, s.llm_api_key_2.reveal(), s.llm_ca_file_2, model(s.llm_model_2)});
  if (!s.llm_url_3.empty())
    out.push_back({s.llm_url_3, s.llm_api_key_3.reveal(), s.llm_ca_file_3, model(s.llm_model_3)});
  return out;
}

} // namespace

llm_client_config llm_config_of(const config::settings& s) {
  llm_client_config c;
  c.endpoints = endpoints_of(s);
  c.pass_busy_after = s.llm_pass_busy;
  c.temperature = s.llm_temperature;
  c.max_tokens = static_cast<int>(s.llm_max_tokens);
  c.json_response_format = s.llm_json_mode;
  c.connect_timeout = s.llm_connect_timeout;
  c.first_byte_timeout = s.llm_first_byte_timeout;
  c.total_timeout = s.llm_total_timeout;
  c.max_in_flight = s.llm_max_in_flight;
  c.max_waiting = s.llm_max_waiting;
  c.max_response_bytes = s.llm_max_response_bytes;
  c.retry.max_attempts = static_cast<unsigned>(s.llm_max_attempts);
  c.retry.backoff_base = s.llm_backoff_base;
  c.retry.backoff_max = s.llm_backoff_max;
  c.circuit.failure_threshold = static_cast<unsigned>(s.circuit_failures);
  c.circuit.open_for = s.circuit_open;
  c.circuit.open_max = s.circuit_open_max;
  return c;
}

} // namespace mana
