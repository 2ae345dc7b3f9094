#include "infra/config/settings_table.hpp"

#include "infra/tracing/otlp_json.hpp"
#include "messages/timestamp.hpp"

#include <algorithm>

namespace mana::config {

namespace {

constexpr bounds any_text{0, 4096};
constexpr bounds any_model{0, 200};
constexpr bounds any_pem{0, 65'536};
constexpr bounds any_port{0, 65535};
constexpr bounds a_rate{0, 1};

constexpr bounds ms(double min, double max) { return {min, max}; }
constexpr double minute = 60'000;
constexpr double hour = 60 * minute;

std::string_view database_url(std::string_view s) {
  if (s.starts_with("postgresql://") || s.starts_with("postgres://") || s.find('=') != s.npos)
    return {};
  return "must be a PostgreSQL URL (postgresql://…) or a list of key=value";
}

std::string_view http_url(std::string_view s) {
  auto rest = s.starts_with("https://") ? s.substr(8) : s.starts_with("http://") ? s.substr(7) : std::string_view{};
  auto authority = rest.substr(0, rest.find_first_of("/?#"));
  if (authority.empty() || authority.starts_with(':'))
    return "must be a URL that begins with http:// or https:// and names a host";
  if (authority.find('@') != authority.npos)
    return "must not hold a user name or password";
  if (rest.find_first_of("?# \t\r\n") != rest.npos)
    return "must not hold a query, a fragment or blanks";
  return {};
}

std::string_view a_day(std::string_view s) {
  if (parse_iso(std::string{s} + "T00:00:00Z"))
    return {};
  return "must be a day: YYYY-MM-DD";
}

// It goes into a header with separators of its own.
std::string_view browser_url(std::string_view s) {
  if (auto wrong = http_url(s); !wrong.empty())
    return wrong;
  if (s.find_first_of(";,'\"\\<>") != s.npos)
    return "must not hold quotes, commas or semicolons";
  return {};
}

std::string_view header_value(std::string_view s) {
  if (std::all_of(s.begin(), s.end(), [](char c) { return c > ' ' && c < '\x7F'; }))
    return {};
  return "must consist of visible ASCII characters";
}

std::string_view otlp_headers(std::string_view s) {
  if (tracing::parse_otlp_headers(s))
    return {};
  return "must be a list of name=value, separated by commas; values are visible ASCII or percent-encoded";
}

// Origins as browsers send them: scheme, host, port, nothing else.
std::string_view origins(std::string_view list) {
  for (auto rest = list; !rest.empty();) {
    auto comma = rest.find(',');
    auto one = rest.substr(0, comma);
    auto scheme = one.find("://");
    if (scheme == one.npos || one.substr(scheme + 3).find('/') != one.npos || !http_url(one).empty())
      return "must be a list of origins such as https://app.example.org, separated by commas";
    rest = comma == rest.npos ? std::string_view{} : rest.substr(comma + 1);
  }
  return {};
}

using s = settings;

const setting table[] = {
    // -- process
    {"PORT", &s::port, "3067", any_port, "TCP port of the HTTP server; 0 takes a free one", {}},
    {"BIND_ADDRESS", &s::bind_address, "0.0.0.0", any_text, "address the HTTP server listens on", {}},
    {"LOG_LEVEL", &s::log_level, "info", any_text, "lowest level that is logged: debug, info, warn or error", {}},
    {"SHUTDOWN_DELAY_MS",
     &s::shutdown_delay,
     "0",
     ms(0, 10 * minute),
     "time the HTTP server still serves after SIGTERM, with /ready at 503",
     {}},
    {"SHUTDOWN_GRACE_MS", &s::shutdown_grace, "25000", ms(0, hour), "time that runs get to finish after SIGTERM", {}},
    {"WORKER_THREADS", &s::worker_threads, "0", {0, 1024}, "threads that run actors; 0 means one per core", {}},
    {"REPLICA_NAME",
     &s::replica_name,
     "",
     {0, 200},
     "name of this process in leases and logs; absent: host and pid",
     {}},
    {"MANA_SERVICE_KEY",
     &s::service_key,
     "",
     {16, 4096},
     "the X-Service-Key that callers of /internal must send",
     {target::runner},
     header_value},

    // -- database
    {"SYNC_DATABASE_URL",
     &s::sync_database_url,
     "",
     any_text,
     "PostgreSQL database with the change log; log in as the runner's role",
     {target::runner},
     database_url},
    {"LISTEN_DATABASE_URL",
     &s::listen_database_url,
     "",
     any_text,
     "the same past any pooler, for LISTEN; absent: SYNC_DATABASE_URL",
     {},
     database_url},
    {"MIGRATION_DATABASE_URL",
     &s::migration_database_url,
     "",
     any_text,
     "the same, as owner of the schema; if set, migrations run at start",
     {},
     database_url},
    {"DATABASE_CONNECTIONS", &s::database_connections, "6", {1, 200}, "connections of this process", {}},

    // -- scheduler
    {"TICK_ENABLED", &s::tick_enabled, "true", {}, "whether missions are run by themselves, not only on request", {}},
    {"TICK_INTERVAL_MS", &s::tick_interval, "60000", ms(1000, hour), "time between two ticks", {}},
    {"MAX_RUNS", &s::max_runs, "256", {1, 100'000}, "missions this process runs at once", {}},
    {"MAX_RUNS_PER_USER", &s::max_runs_per_user, "8", {1, 100'000}, "missions of one user that run at once", {}},
    {"RUNS_PER_HOUR", &s::runs_per_hour, "3600", {0, 1e6}, "runs of one user within an hour of UTC; 0: no limit", {}},
    {"TOKENS_PER_DAY",
     &s::tokens_per_day,
     "2000000",
     {0, 1e12},
     "LLM tokens of one user within a day of UTC; 0: no limit",
     {}},
    {"MAX_OPEN_ITERATIONS",
     &s::max_open_iterations,
     "1",
     {1, 1000},
     "unreviewed iterations at which a mission waits for its user",
     {}},
    {"MAX_ATTEMPTS", &s::max_attempts, "3", {1, 100}, "attempts per slot before it ends as failed", {}},
    {"RETRY_BASE_MS", &s::retry_base, "30000", ms(1, 24 * hour), "pause before the second attempt; doubles then", {}},
    {"RETRY_MAX_MS", &s::retry_max, "1800000", ms(1, 24 * hour), "longest pause between two attempts", {}},
    {"LEASE_MS", &s::lease, "15000", ms(1000, hour), "how long a claim holds unless it is renewed", {}},
    {"DEFAULT_TIME_ZONE", &s::default_time_zone, "UTC", {1, 64}, "IANA time zone of missions that name none", {}},

    // -- grants and audit
    {"MANA_AI_PRIVATE_KEY_PEM",
     &s::ai_private_keys,
     "",
     any_pem,
     "RSA private keys that open grants; absent: none is opened",
     {}},
    {"MANA_AI_KEY_EXPIRES",
     &s::ai_key_expires,
     "",
     any_text,
     "day, YYYY-MM-DD, by which that key has to be replaced; for an alert",
     {},
     a_day},
    {"GRANTS_V1", &s::grants_v1, "true", {}, "whether grants of the old derivation v1 are honoured", {}},
    {"AUDIT_TIMEOUT_MS",
     &s::audit_timeout,
     "5000",
     ms(10, hour),
     "how long a run waits for the record of its decrypts",
     {}},
    {"AUDIT_RETENTION_DAYS",
     &s::audit_retention_days,
     "400",
     {30, 36'500},
     "days for which audit rows are kept, at least; whole months go",
     {}},
    {"AUDIT_SIGNING_KEY_PEM",
     &s::audit_signing_keys,
     "",
     any_pem,
     "Ed25519 key that signs heads of audit chains; absent: unsigned",
     {}},

    // -- tokens of users
    {"MANA_AUTH_URL",
     &s::auth_url,
     "",
     any_text,
     "URL of the service with the JWKS; absent: this process",
     {},
     http_url},
    {"JWT_ISSUER", &s::issuers, "", any_text, "accepted `iss` of tokens, comma-separated; absent: BASE_URL", {}},
    {"JWT_AUDIENCE", &s::audience, "mana", {1, 200}, "required `aud` of tokens", {}},
    {"CORS_ORIGINS", &s::cors_origins, "", any_text, "origins of browser apps, comma-separated", {}, origins},

    // -- auth
    {"DATABASE_URL",
     &s::auth_database_url,
     "",
     any_text,
     "PostgreSQL database of vaults and users; log in as the auth role",
     {target::auth},
     database_url},
    {"MANA_AUTH_KEK",
     &s::auth_keks,
     "",
     {44, 4096},
     "keys that wrap vaults: `id:base64`, comma-separated; the first wraps",
     {target::auth}},
    {"MANA_AI_PUBLIC_KEY_PEM",
     &s::ai_public_key,
     "",
     any_pem,
     "RSA public key of the runner; absent: no grants are issued",
     {}},
    {"BASE_URL",
     &s::base_url,
     "http://localhost:3067",
     any_text,
     "URL of this service as browsers see it; `iss` of its tokens",
     {},
     http_url},
    {"SIGN_IN",
     &s::standalone_sign_in,
     "false",
     {},
     "whether users sign in here by name and password (standalone)",
     {}},
    {"REGISTRATION", &s::registration, "false", {}, "whether new users may register, with SIGN_IN", {}},
    {"AUTH_SIGNING_KEY_PEM",
     &s::auth_signing_keys,
     "",
     any_pem,
     "Ed25519 keys of the JWKS; the first one signs tokens",
     {}},
    {"TOKEN_TTL_MS", &s::token_ttl, "900000", ms(60'000, 24 * hour), "life of an access token", {}},
    {"SESSION_TTL_MS", &s::session_ttl, "2592000000", ms(minute, 8760 * hour), "life of a sign-in without use", {}},
    {"GRANTS_PER_HOUR", &s::grants_per_hour, "60", {1, 100'000}, "grants a user may be issued within an hour", {}},

    // -- sync
    {"SYNC_TARGET_DATABASE_URL",
     &s::sync_target_database_url,
     "",
     any_text,
     "PostgreSQL database with the change log; log in as the sync role",
     {target::sync},
     database_url},
    {"SYNC_TARGET_LISTEN_URL",
     &s::sync_target_listen_url,
     "",
     any_text,
     "the same past any pooler, for LISTEN; absent: as above",
     {},
     database_url},
    {"MAX_SOCKETS", &s::max_sockets, "3000", {1, 100'000}, "open WebSockets of this process", {}},
    {"MAX_SOCKETS_PER_USER", &s::max_sockets_per_user, "50", {1, 100'000}, "open WebSockets of one user, here", {}},
    // -- web
    {"WEB_ROOT", &s::web_root, "", any_text, "directory of the built browser app; absent: ../webapp", {}},
    {"WEB_AUTH_URL",
     &s::web_auth_url,
     "",
     any_text,
     "URL of auth as browsers see it; absent: where the app is",
     {},
     browser_url},
    {"WEB_SYNC_URL", &s::web_sync_url, "", any_text, "the same of the sync target", {}, browser_url},
    {"WEB_RUNNER_URL", &s::web_runner_url, "", any_text, "the same of the runner", {}, browser_url},

    // -- LLM
    {"MANA_LLM_URL",
     &s::llm_url,
     "",
     any_text,
     "base URL of the OpenAI-compatible API, without /v1/chat/completions",
     {target::runner},
     http_url},
    {"MANA_LLM_API_KEY", &s::llm_api_key, "", any_text, "bearer token for the LLM", {}, header_value},
    {"MANA_LLM_MODEL", &s::llm_model, "default", {1, 200}, "name of the model to ask for", {}},
    {"LLM_CA_FILE", &s::llm_ca_file, "", any_text, "PEM file of trusted certificates; absent: the system's", {}},
    {"MANA_LLM_URL_2",
     &s::llm_url_2,
     "",
     any_text,
     "base URL of endpoint 2, asked when those before take no calls",
     {},
     http_url},
    {"MANA_LLM_API_KEY_2", &s::llm_api_key_2, "", any_text, "bearer token for endpoint 2 alone", {}, header_value},
    {"MANA_LLM_MODEL_2", &s::llm_model_2, "", any_model, "model of endpoint 2; absent: MANA_LLM_MODEL", {}},
    {"LLM_CA_FILE_2", &s::llm_ca_file_2, "", any_text, "like LLM_CA_FILE, for endpoint 2", {}},
    {"MANA_LLM_URL_3",
     &s::llm_url_3,
     "",
     any_text,
     "base URL of endpoint 3, asked when those before take no calls",
     {},
     http_url},
    {"MANA_LLM_API_KEY_3", &s::llm_api_key_3, "", any_text, "bearer token for endpoint 3 alone", {}, header_value},
    {"MANA_LLM_MODEL_3", &s::llm_model_3, "", any_model, "model of endpoint 3; absent: MANA_LLM_MODEL", {}},
    {"LLM_CA_FILE_3", &s::llm_ca_file_3, "", any_text, "like LLM_CA_FILE, for endpoint 3", {}},
    {"LLM_PASS_BUSY_MS",
     &s::llm_pass_busy,
     "5000",
     ms(1, hour),
     "wait for a place at a busy endpoint before the next one is asked",
     {}},
    {"LLM_TEMPERATURE", &s::llm_temperature, "0.2", {0, 2}, "temperature of the model", {}},
    {"LLM_MAX_TOKENS", &s::llm_max_tokens, "2000", {1, 1'000'000}, "longest answer in tokens", {}},
    {"LLM_JSON_MODE", &s::llm_json_mode, "false", {}, "whether response_format json_object is asked for", {}},
    {"LLM_MAX_IN_FLIGHT", &s::llm_max_in_flight, "512", {1, 100'000}, "most requests in flight at an LLM endpoint", {}},
    {"LLM_MAX_WAITING", &s::llm_max_waiting, "4096", {0, 1'000'000}, "calls that may wait for a free place", {}},
    {"LLM_MAX_RESPONSE_BYTES",
     &s::llm_max_response_bytes,
     "1048576",
     {1024, 104'857'600},
     "largest response that is read",
     {}},
    {"LLM_CONNECT_TIMEOUT_MS", &s::llm_connect_timeout, "5000", ms(10, hour), "deadline for a connection", {}},
    {"LLM_FIRST_BYTE_TIMEOUT_MS",
     &s::llm_first_byte_timeout,
     "60000",
     ms(10, hour),
     "deadline for the first byte of a response",
     {}},
    {"LLM_TOTAL_TIMEOUT_MS",
     &s::llm_total_timeout,
     "120000",
     ms(10, hour),
     "deadline for a call with all its attempts",
     {}},
    {"LLM_MAX_ATTEMPTS", &s::llm_max_attempts, "4", {1, 20}, "requests sent for one call before it fails", {}},
    {"LLM_CALLS_PER_MINUTE",
     &s::llm_calls_per_minute,
     "30",
     {1, 10'000},
     "LLM calls that one user's tabs may make within a minute, per replica",
     {}},
    {"LLM_IS_STANDIN", &s::llm_is_standin, "false", {}, "whether MANA_LLM_URL is a stand-in; users are told", {}},
    {"LLM_BACKOFF_BASE_MS",
     &s::llm_backoff_base,
     "500",
     ms(1, hour),
     "upper bound of the first pause; doubles then",
     {}},
    {"LLM_BACKOFF_MAX_MS", &s::llm_backoff_max, "20000", ms(1, hour), "longest pause between two requests", {}},
    {"CIRCUIT_FAILURES",
     &s::circuit_failures,
     "20",
     {1, 100'000},
     "failures in a row that open an endpoint's circuit",
     {}},
    {"CIRCUIT_OPEN_MS", &s::circuit_open, "10000", ms(1, hour), "how long the circuit stays open before a trial", {}},
    {"CIRCUIT_OPEN_MAX_MS",
     &s::circuit_open_max,
     "30000",
     ms(1, hour),
     "the same while trials fail: it doubles up to this",
     {}},

    // -- traces, by the names that OpenTelemetry gives these settings
    {"OTEL_EXPORTER_OTLP_ENDPOINT",
     &s::otlp_endpoint,
     "",
     any_text,
     "base URL of a collector of OTLP/HTTP with JSON; absent: no export",
     {},
     http_url},
    {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
     &s::otlp_traces_endpoint,
     "",
     any_text,
     "its whole URL; absent: OTEL_EXPORTER_OTLP_ENDPOINT and /v1/traces",
     {},
     http_url},
    {"OTEL_EXPORTER_OTLP_HEADERS",
     &s::otlp_headers,
     "",
     any_text,
     "headers for it: name=value, comma-separated, values percent-encoded",
     {},
     otlp_headers},
    {"OTEL_EXPORTER_OTLP_CERTIFICATE",
     &s::otlp_certificate,
     "",
     any_text,
     "PEM file with the collector's CA; absent: the system's",
     {}},
    {"OTEL_EXPORTER_OTLP_TIMEOUT",
     &s::otlp_timeout,
     "10000",
     ms(10, hour),
     "deadline of one request to the collector, in milliseconds",
     {}},
    {"OTEL_SERVICE_NAME", &s::otel_service_name, "mana-ai", {1, 200}, "service.name of exported spans", {}},
    {"OTEL_TRACES_SAMPLER_ARG",
     &s::trace_ratio,
     "1",
     a_rate,
     "share of the traces beginning here that are exported",
     {}},
    {"OTEL_BSP_SCHEDULE_DELAY",
     &s::span_max_age,
     "5000",
     ms(10, hour),
     "longest time a span waits for its batch to fill up, in milliseconds",
     {}},
    {"OTEL_BSP_MAX_QUEUE_SIZE",
     &s::max_waiting_spans,
     "2048",
     {1, 1'000'000},
     "spans that may wait for the collector; further ones are dropped",
     {}},

    // -- llm-standin
    {"STANDIN_PORT", &s::standin_port, "0", any_port, "a port of its own for the stand-in; 0: served on PORT", {}},
    {"STANDIN_LATENCY_MS", &s::standin_latency, "0", ms(0, hour), "time each answer takes", {}},
    {"STANDIN_ERROR_RATE", &s::standin_error_rate, "0", a_rate, "share of answers that are 500", {}},
    {"STANDIN_MALFORMED_RATE", &s::standin_malformed_rate, "0", a_rate, "share of answers that are no plan", {}},
    {"STANDIN_HANG_RATE", &s::standin_hang_rate, "0", a_rate, "share of requests that are never answered", {}},
    {"STANDIN_CUT_RATE", &s::standin_cut_rate, "0", a_rate, "share of answers that end within the body", {}},
    {"STANDIN_RATE_LIMIT_RATE", &s::standin_rate_limit_rate, "0", a_rate, "share of answers that are 429", {}},
    {"STANDIN_SEED", &s::standin_seed, "1", {0, 1e15}, "seed of the stand-in's random choices", {}},
};

} // namespace

std::span<const setting> settings_table() { return table; }

} // namespace mana::config
