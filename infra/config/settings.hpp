// All settings of the process, from the environment. One table (settings_table.cpp) holds name,
// default, bounds and meaning of each; loading, error messages and `--help` follow it.
#pragma once

#include "infra/config/command_line.hpp"
#include "infra/config/secret_text.hpp"
#include "infra/log/log.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace mana::config {

using std::chrono::milliseconds;

struct settings {
  // process
  std::string bind_address;
  std::uint16_t port = 0;
  log::level log_level = log::level::info;
  milliseconds shutdown_delay{0};
  milliseconds shutdown_grace{0};
  std::size_t worker_threads = 0; // never 0 after load()
  std::string replica_name;       // never empty after load()
  secret_text service_key;

  // database
  secret_text sync_database_url;
  secret_text listen_database_url;    // empty: sync_database_url
  secret_text migration_database_url; // empty: migrations do not run at start
  std::size_t database_connections = 0;

  // scheduler
  bool tick_enabled = true;
  milliseconds tick_interval{0};
  std::size_t max_runs = 0;
  std::size_t max_runs_per_user = 0;
  std::size_t runs_per_hour = 0;  // of one user; 0: no limit
  std::size_t tokens_per_day = 0; // of one user; 0: no limit
  std::size_t max_open_iterations = 0;
  std::size_t max_attempts = 0;
  milliseconds retry_base{0};
  milliseconds retry_max{0};
  milliseconds lease{0};
  std::string default_time_zone; // of missions without one; IANA name

  // grants and audit
  pem_text ai_private_keys;   // one or more; empty: no grant can be opened
  std::string ai_key_expires; // YYYY-MM-DD; empty: no day is set
  bool grants_v1 = true;      // whether grants of derivation v1 are honoured
  milliseconds audit_timeout{0};
  std::size_t audit_retention_days = 0;
  pem_text audit_signing_keys; // Ed25519; empty: heads are not signed

  // tokens of users, for all targets with routes under /api/v1/me
  std::string auth_url; // where the JWKS is; empty: the auth target of this process
  std::vector<std::string> issuers;
  std::string audience;
  std::vector<std::string> cors_origins;

  // auth
  secret_text auth_database_url;
  secret_text auth_keks;  // `<id>:<base64>` separated by commas; the first one wraps
  pem_text ai_public_key; // empty: no grants are issued
  std::string base_url;   // of this service as browsers see it: issuer of its tokens
  bool standalone_sign_in = false;
  bool registration = false;
  pem_text auth_signing_keys; // Ed25519; the first one signs
  milliseconds token_ttl{0};
  milliseconds session_ttl{0};
  std::size_t grants_per_hour = 0;

  // sync
  secret_text sync_target_database_url;
  secret_text sync_target_listen_url; // empty: sync_target_database_url
  std::size_t max_sockets = 0;
  std::size_t max_sockets_per_user = 0;
  // web
  std::string web_root;     // of the built browser app; never empty after load()
  std::string web_auth_url; // as browsers see them; empty: where the app comes from
  std::string web_sync_url;
  std::string web_runner_url;

  // LLM
  std::string llm_url; // http(s)://host[:port][/prefix], without a user name
  secret_text llm_api_key;
  std::string llm_model;
  std::string llm_ca_file; // empty: the system's certificates
  // Further endpoints, in the order in which they are asked; without a URL there is none.
  std::string llm_url_2;
  secret_text llm_api_key_2;
  std::string llm_model_2; // empty: as llm_model
  std::string llm_ca_file_2;
  std::string llm_url_3;
  secret_text llm_api_key_3;
  std::string llm_model_3;
  std::string llm_ca_file_3;
  milliseconds llm_pass_busy{0};
  double llm_temperature = 0;
  std::size_t llm_max_tokens = 0;
  bool llm_json_mode = false;
  std::size_t llm_max_in_flight = 0;
  std::size_t llm_max_waiting = 0;
  std::size_t llm_max_response_bytes = 0;
  milliseconds llm_connect_timeout{0};
  milliseconds llm_first_byte_timeout{0};
  milliseconds llm_total_timeout{0};
  std::size_t llm_max_attempts = 0;
  std::size_t llm_calls_per_minute = 0; // of one user's tabs
  bool llm_is_standin = false;          // MANA_LLM_URL is a stand-in elsewhere
  milliseconds llm_backoff_base{0};
  milliseconds llm_backoff_max{0};
  std::size_t circuit_failures = 0;
  milliseconds circuit_open{0};
  milliseconds circuit_open_max{0};

  // traces; without an endpoint none are exported
  std::string otlp_endpoint;        // base URL of a collector
  std::string otlp_traces_endpoint; // the whole URL, before otlp_endpoint
  secret_text otlp_headers;         // see tracing::parse_otlp_headers
  std::string otlp_certificate;     // empty: the system's certificates
  milliseconds otlp_timeout{0};     // of one request
  std::string otel_service_name;
  double trace_ratio = 0; // of the traces that begin here
  milliseconds span_max_age{0};
  std::size_t max_waiting_spans = 0;

  // llm-standin
  std::uint16_t standin_port = 0; // 0: served on `port`
  milliseconds standin_latency{0};
  double standin_error_rate = 0;
  double standin_malformed_rate = 0;
  double standin_hang_rate = 0;
  double standin_cut_rate = 0;
  double standin_rate_limit_rate = 0;
  std::size_t standin_seed = 0;
};

// The value of an environment variable, nullopt when it is not set.
using environment = std::function<std::optional<std::string>(const std::string& name)>;
environment process_environment();

// Defaults that the machine gives: REPLICA_NAME, WORKER_THREADS and WEB_ROOT.
struct host_facts {
  std::string replica_name;
  std::size_t cores = 1;
  std::string web_root = "webapp"; // beside the directory of the program
};
host_facts this_host();

struct loaded_settings {
  settings values; // valid only without errors
  // All that is wrong, one sentence each that begins with the setting's name; values of secrets
  // do not appear.
  std::vector<std::string> errors;
};

// Reads and checks every setting; the command line decides which ones are needed. An empty value
// counts as not set. `<NAME>_FILE` names a file that holds the value of <NAME> (at most 64 KiB, one
// trailing newline is dropped); both at once is an error.
loaded_settings load_settings(const command_line& cl, const environment& env, const host_facts& host);

// Name, default and meaning of every setting, aligned.
std::string settings_help();

} // namespace mana::config
