#include "actors/supervisor/llm_settings.hpp"

namespace mana {

llm_client_config llm_config_of(const config::settings& s) {
  llm_client_config c;
  c.url = s.llm_url;
  c.api_key = s.llm_api_key.reveal();
  c.ca_file = s.llm_ca_file;
  c.model = s.llm_model;
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
  return c;
}

} // namespace mana
