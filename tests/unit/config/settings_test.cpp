#include "infra/config/settings.hpp"

#include "infra/config/settings_table.hpp"

#include "actors/supervisor/llm_settings.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <set>

using namespace std::chrono_literals;
using namespace mana;
using namespace mana::config;

namespace {

using variables = std::map<std::string, std::string>;

environment of(variables vs) {
  return [vs = std::move(vs)](const std::string& name) -> std::optional<std::string> {
    auto i = vs.find(name);
    return i == vs.end() ? std::nullopt : std::optional{i->second};
  };
}

// Everything the runner needs, with changes.
variables runner(const variables& changes = {}) {
  variables vs{{"SYNC_DATABASE_URL", "postgresql://mana@db/sync"},
               {"MANA_LLM_URL", "http://llm:8080"},
               {"MANA_SERVICE_KEY", "0123456789abcdef"}};
  for (auto& [name, value] : changes)
    vs[name] = value;
  return vs;
}

const command_line serve_runner{command::serve, {target::runner}};
const host_facts host{"host-7", 4};

loaded_settings load(variables vs, command_line cl = serve_runner) {
  return load_settings(cl, of(std::move(vs)), host);
}

TEST(settings, have_the_documented_defaults) {
  auto [v, errors] = load(runner());
  ASSERT_EQ(errors, std::vector<std::string>{});
  EXPECT_EQ(v.port, 3067);
  EXPECT_EQ(v.bind_address, "0.0.0.0");
  EXPECT_EQ(v.log_level, log::level::info);
  EXPECT_EQ(v.tick_interval, 60s);
  EXPECT_TRUE(v.tick_enabled);
  EXPECT_EQ(v.shutdown_delay, 0s);
  EXPECT_EQ(v.shutdown_grace, 25s);
  EXPECT_EQ(v.max_runs, 256u);
  EXPECT_EQ(v.max_runs_per_user, 8u);
  EXPECT_EQ(v.runs_per_hour, 3600u);
  EXPECT_EQ(v.tokens_per_day, 2'000'000u);
  EXPECT_EQ(v.lease, 15s);
  EXPECT_EQ(v.retry_max, 30min);
  EXPECT_EQ(v.llm_model, "default");
  EXPECT_EQ(v.llm_temperature, 0.2);
  EXPECT_FALSE(v.llm_json_mode);
  EXPECT_EQ(v.llm_max_response_bytes, 1u << 20);
  EXPECT_EQ(v.standin_port, 0);
  EXPECT_TRUE(v.listen_database_url.empty());
  EXPECT_TRUE(v.migration_database_url.empty());
  EXPECT_EQ(v.replica_name, "host-7");
  EXPECT_EQ(v.worker_threads, 4u);
}

TEST(settings, come_from_the_environment) {
  auto [v, errors] = load(runner({{"PORT", "0"},
                                  {"TICK_ENABLED", "0"},
                                  {"TICK_INTERVAL_MS", "1000"},
                                  {"LOG_LEVEL", "debug"},
                                  {"LLM_TEMPERATURE", "1.25"},
                                  {"REPLICA_NAME", "r1"},
                                  {"WORKER_THREADS", "3"},
                                  {"STANDIN_ERROR_RATE", "0.25"}}));
  ASSERT_EQ(errors, std::vector<std::string>{});
  EXPECT_EQ(v.port, 0);
  EXPECT_FALSE(v.tick_enabled);
  EXPECT_EQ(v.tick_interval, 1s);
  EXPECT_EQ(v.log_level, log::level::debug);
  EXPECT_EQ(v.llm_temperature, 1.25);
  EXPECT_EQ(v.replica_name, "r1");
  EXPECT_EQ(v.worker_threads, 3u);
  EXPECT_EQ(v.standin_error_rate, 0.25);
  EXPECT_EQ(v.service_key.reveal(), "0123456789abcdef");
  EXPECT_EQ(v.sync_database_url.reveal(), "postgresql://mana@db/sync");
}

TEST(settings, of_traces_have_the_names_and_defaults_of_opentelemetry) {
  auto [v, errors] = load(runner());
  EXPECT_TRUE(v.otlp_endpoint.empty());
  EXPECT_EQ(v.otel_service_name, "mana-ai");
  EXPECT_EQ(v.trace_ratio, 1);
  EXPECT_EQ(v.otlp_timeout, 10s);
  EXPECT_EQ(v.span_max_age, 5s);
  EXPECT_EQ(v.max_waiting_spans, 2048u);
  auto set = load(runner({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"},
                          {"OTEL_EXPORTER_OTLP_HEADERS", "authorization=Basic%20QWxh"},
                          {"OTEL_TRACES_SAMPLER_ARG", "0.25"}}));
  ASSERT_EQ(set.errors, std::vector<std::string>{});
  EXPECT_EQ(set.values.trace_ratio, 0.25);
  EXPECT_EQ(set.values.otlp_headers.reveal(), "authorization=Basic%20QWxh");
}

TEST(settings, of_traces_that_are_wrong_are_named_without_their_secret) {
  auto errors = load(runner({{"OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"},
                             {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://me:pass@collector/v1/traces"},
                             {"OTEL_EXPORTER_OTLP_HEADERS", "secret"},
                             {"OTEL_TRACES_SAMPLER_ARG", "2"}}))
                    .errors;
  EXPECT_EQ(errors, (std::vector<std::string>{
                        "OTEL_EXPORTER_OTLP_ENDPOINT: must be a URL that begins with http:// or https:// and names a "
                        "host",
                        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: must not hold a user name or password",
                        "OTEL_EXPORTER_OTLP_HEADERS: must be a list of name=value, separated by commas; values are "
                        "visible ASCII or percent-encoded",
                        "OTEL_TRACES_SAMPLER_ARG: must be a number from 0 to 1"}));
}

TEST(settings, report_all_errors_at_once) {
  auto errors = load({{"PORT", "70000"}, {"TICK_ENABLED", "perhaps"}, {"MANA_SERVICE_KEY", "short"}}).errors;
  EXPECT_EQ(errors, (std::vector<std::string>{"PORT: must be a whole number from 0 to 65535",
                                              "MANA_SERVICE_KEY: must have at least 16 characters",
                                              "SYNC_DATABASE_URL is not set", "TICK_ENABLED: must be true or false",
                                              "MANA_LLM_URL is not set"}));
}

TEST(settings, that_are_empty_count_as_not_set) {
  auto [v, errors] = load(runner({{"PORT", ""}, {"MANA_LLM_URL", ""}}));
  EXPECT_EQ(errors, std::vector<std::string>{"MANA_LLM_URL is not set"});
  EXPECT_EQ(v.port, 3067);
}

TEST(settings, keys_may_span_lines_and_nothing_else_may) {
  auto pem = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
  EXPECT_EQ(load(runner({{"MANA_AI_PRIVATE_KEY_PEM", pem}})).values.ai_private_keys.reveal(), pem);
  EXPECT_EQ(load(runner({{"MANA_LLM_API_KEY", pem}})).errors.size(), 1u);
}

TEST(settings, lists_are_separated_by_commas) {
  auto origins = load(runner({{"CORS_ORIGINS", "https://a.example,http://localhost:5173"}}));
  EXPECT_TRUE(origins.errors.empty());
  EXPECT_EQ(origins.values.cors_origins, (std::vector<std::string>{"https://a.example", "http://localhost:5173"}));
  for (auto wrong : {"https://a.example/", "a.example", "https://", "https://a.example,*"})
    EXPECT_EQ(load(runner({{"CORS_ORIGINS", wrong}})).errors.size(), 1u) << wrong;
}

TEST(settings, the_issuer_is_this_service_unless_another_is_named) {
  EXPECT_EQ(load(runner()).values.issuers, std::vector<std::string>{"http://localhost:3067"});
  EXPECT_EQ(load(runner({{"JWT_ISSUER", "https://id.example"}})).values.issuers,
            std::vector<std::string>{"https://id.example"});
}

TEST(settings, say_when_the_key_has_to_be_another_one) {
  EXPECT_EQ(load(runner()).values.ai_key_expires, "");
  auto [v, errors] = load(runner({{"MANA_AI_KEY_EXPIRES", "2028-02-29"}}));
  EXPECT_TRUE(errors.empty());
  EXPECT_EQ(v.ai_key_expires, "2028-02-29");
}

TEST(settings, lead_to_the_app_beside_the_program_unless_another_is_named) {
  const command_line serve_web{command::serve, {target::web}};
  EXPECT_EQ(load({}, serve_web).values.web_root, "webapp");
  EXPECT_EQ(load({{"WEB_ROOT", "/srv/app"}}, serve_web).values.web_root, "/srv/app");
  EXPECT_TRUE(this_host().web_root.ends_with("/webapp")) << this_host().web_root;
}

TEST(settings, of_urls_for_browsers_hold_nothing_that_ends_a_header) {
  EXPECT_TRUE(load(runner({{"WEB_SYNC_URL", "https://sync.example:8443/base"}})).errors.empty());
  for (auto* wrong : {"https://a;script-src", "https://a,b", "https://a'", "https://a b", "sync.example", "wss://a"}) {
    auto errors = load(runner({{"WEB_SYNC_URL", wrong}})).errors;
    ASSERT_EQ(errors.size(), 1u) << wrong;
    EXPECT_TRUE(errors[0].starts_with("WEB_SYNC_URL: must ")) << errors[0];
  }
}

TEST(settings, are_needed_only_by_their_target) {
  EXPECT_TRUE(load({}, {command::serve, {target::web}}).errors.empty());
  EXPECT_TRUE(load({}, {command::serve, {target::llm_standin}}).errors.empty());
  EXPECT_EQ(load({}, {command::serve, {target::llm_standin, target::runner}}).errors.size(), 3u);
  EXPECT_EQ(load({}, {command::migrate, {target::runner}}).errors,
            std::vector<std::string>{"MIGRATION_DATABASE_URL is not set"});
}

struct rejection {
  std::string name;
  std::string value;
};

TEST(settings, reject_bad_values_by_name) {
  for (auto& [name, value] : std::vector<rejection>{{"PORT", "-1"},
                                                    {"PORT", "80 "},
                                                    {"PORT", "0x50"},
                                                    {"PORT", "1e3"},
                                                    {"TICK_INTERVAL_MS", "999"},
                                                    {"TICK_INTERVAL_MS", "3600001"},
                                                    {"TICK_INTERVAL_MS", "1000.5"},
                                                    {"TICK_INTERVAL_MS", "99999999999999999999999"},
                                                    {"TICK_ENABLED", "TRUE"},
                                                    {"LLM_TEMPERATURE", "nan"},
                                                    {"LLM_TEMPERATURE", "2.1"},
                                                    {"STANDIN_HANG_RATE", "-0.1"},
                                                    {"LOG_LEVEL", "loud"},
                                                    {"MANA_LLM_URL", "llm:8080"},
                                                    {"MANA_LLM_URL", "http://"},
                                                    {"MANA_LLM_URL", "http://:80"},
                                                    {"MANA_LLM_URL", "http://user:pw@llm"},
                                                    {"MANA_LLM_URL", "http://llm/?key=1"},
                                                    {"MANA_AI_KEY_EXPIRES", "soon"},
                                                    {"MANA_AI_KEY_EXPIRES", "2027-02-30"},
                                                    {"MANA_AI_KEY_EXPIRES", "2027-02-28T00:00:00Z"},
                                                    {"SYNC_DATABASE_URL", "mysql://db"},
                                                    {"MANA_SERVICE_KEY", "0123456789 abcdef"},
                                                    {"MANA_SERVICE_KEY", "0123456789\nabcdef"},
                                                    {"MANA_LLM_MODEL", "a\tb"},
                                                    {"MANA_LLM_MODEL", std::string(201, 'x')}}) {
    auto errors = load(runner({{name, value}})).errors;
    ASSERT_EQ(errors.size(), 1u) << name << '=' << value;
    EXPECT_TRUE(errors[0].starts_with(name + ": must ")) << errors[0];
  }
}

TEST(settings, never_show_a_secret_in_an_error) {
  auto errors = load(runner({{"SYNC_DATABASE_URL", "hunter2"}, {"MANA_SERVICE_KEY", "hunter2"}})).errors;
  ASSERT_EQ(errors.size(), 2u);
  for (auto& e : errors)
    EXPECT_EQ(e.find("hunter2"), std::string::npos) << e;
}

TEST(settings, of_further_llm_endpoints_need_their_url) {
  using errors = std::vector<std::string>;
  EXPECT_EQ(load(runner({{"MANA_LLM_API_KEY_2", "key"}})).errors,
            errors{"MANA_LLM_URL_2 is not set, but other settings of endpoint 2 are"});
  EXPECT_EQ(load(runner({{"MANA_LLM_URL_2", "http://b"}, {"MANA_LLM_MODEL_3", "small"}})).errors,
            errors{"MANA_LLM_URL_3 is not set, but other settings of endpoint 3 are"});
  EXPECT_EQ(load(runner({{"MANA_LLM_URL_3", "http://c"}})).errors,
            errors{"MANA_LLM_URL_2 is not set, but MANA_LLM_URL_3 is"});
}

TEST(settings, give_each_llm_endpoint_its_own_key) {
  auto [v, errors] = load(runner({{"MANA_LLM_API_KEY", "key-1"},
                                  {"MANA_LLM_MODEL", "large"},
                                  {"MANA_LLM_URL_2", "http://b"},
                                  {"MANA_LLM_URL_3", "http://c"},
                                  {"MANA_LLM_API_KEY_3", "key-3"},
                                  {"MANA_LLM_MODEL_3", "small"}}));
  ASSERT_TRUE(errors.empty());
  auto endpoints = llm_config_of(v).endpoints;
  ASSERT_EQ(endpoints.size(), 3u);
  EXPECT_EQ(endpoints[0].api_key, "key-1");
  EXPECT_EQ(endpoints[1].url, "http://b");
  EXPECT_EQ(endpoints[1].api_key, "");
  EXPECT_EQ(endpoints[1].model, "large");
  EXPECT_EQ(endpoints[2].api_key, "key-3");
  EXPECT_EQ(endpoints[2].model, "small");
}

TEST(settings, are_checked_together) {
  EXPECT_EQ(load(runner({{"RETRY_BASE_MS", "5000"}, {"RETRY_MAX_MS", "4000"}})).errors,
            std::vector<std::string>{"RETRY_BASE_MS: must not exceed RETRY_MAX_MS"});
  EXPECT_EQ(load(runner({{"LLM_BACKOFF_MAX_MS", "1"}})).errors,
            std::vector<std::string>{"LLM_BACKOFF_BASE_MS: must not exceed LLM_BACKOFF_MAX_MS"});
  EXPECT_EQ(load(runner({{"STANDIN_CUT_RATE", "0.5"}, {"STANDIN_HANG_RATE", "0.6"}})).errors.size(), 1u);
  EXPECT_TRUE(load(runner({{"STANDIN_CUT_RATE", "0.5"}, {"STANDIN_HANG_RATE", "0.5"}})).errors.empty());
}

struct settings_file : testing::Test {
  ~settings_file() override { std::remove(path.c_str()); }
  void write(const std::string& content) { std::ofstream{path, std::ios::binary} << content; }

  std::string path =
      testing::TempDir() + "mana_settings_" + testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(settings_file, gives_a_value_without_its_newline) {
  for (auto newline : {"", "\n", "\r\n"}) {
    write(std::string{"fedcba9876543210"} + newline);
    auto [v, errors] = load(runner({{"MANA_SERVICE_KEY", ""}, {"MANA_SERVICE_KEY_FILE", path}}));
    EXPECT_EQ(errors, std::vector<std::string>{});
    EXPECT_EQ(v.service_key.reveal(), "fedcba9876543210");
  }
}

TEST_F(settings_file, is_rejected_when_it_does_not_serve) {
  auto error = [&] {
    auto errors = load(runner({{"MANA_SERVICE_KEY", ""}, {"MANA_SERVICE_KEY_FILE", path}})).errors;
    return errors.size() == 1 ? errors[0] : "?";
  };
  EXPECT_EQ(error(), "MANA_SERVICE_KEY: MANA_SERVICE_KEY_FILE: the file cannot be read");
  write("\n");
  EXPECT_EQ(error(), "MANA_SERVICE_KEY: MANA_SERVICE_KEY_FILE: the file is empty");
  write(std::string(70'000, 'x'));
  EXPECT_EQ(error(), "MANA_SERVICE_KEY: MANA_SERVICE_KEY_FILE: the file is larger than 64 KiB");
  path += "/";
  EXPECT_EQ(error(), "MANA_SERVICE_KEY: MANA_SERVICE_KEY_FILE: the file cannot be read");
  path.pop_back();
}

TEST_F(settings_file, and_value_exclude_each_other) {
  write("fedcba9876543210");
  EXPECT_EQ(
      load(runner({{"MANA_SERVICE_KEY_FILE", path}})).errors,
      std::vector<std::string>{"MANA_SERVICE_KEY is set together with MANA_SERVICE_KEY_FILE; only one of them may be"});
}

TEST(settings_table, has_valid_defaults_and_unique_names) {
  std::set<std::string_view> names;
  for (auto& s : settings_table()) {
    EXPECT_TRUE(names.insert(s.name).second) << s.name;
    EXPECT_FALSE(s.meaning.empty()) << s.name;
    EXPECT_TRUE(s.needed_by.empty() || s.fallback.empty()) << s.name;
  }
  // `all` needs what its targets need and nothing else has an invalid default.
  auto needed = runner({{"DATABASE_URL", "postgresql://auth@db/sync"},
                        {"MANA_AUTH_KEK", std::string(44, 'A')},
                        {"SYNC_TARGET_DATABASE_URL", "postgresql://mana_sync@db/sync"}});
  EXPECT_EQ(load(needed, {}).errors, std::vector<std::string>{});
}

TEST(settings_help, lists_every_setting_aligned) {
  auto text = settings_help();
  std::size_t lines = 0;
  for (auto& s : settings_table()) {
    auto name = "\n  " + std::string{s.name};
    auto at = text.find(name + "  ");
    if (at == std::string::npos && (at = text.find(name + '\n')) != std::string::npos) {
      ++lines; // long names have one of their own
      at += name.size();
    }
    EXPECT_NE(at, std::string::npos) << s.name;
    auto line = text.substr(at + 1, text.find('\n', at + 1) - at - 1);
    EXPECT_EQ(line.find(s.meaning), text.substr(text.find("  NAME"), 200).find("MEANING")) << line;
    EXPECT_LE(line.size(), 120u) << line;
    ++lines;
  }
  EXPECT_EQ(static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')), lines + 2);
}

template <class T>
concept streamable = requires(std::ostream& out, const T& x) {
  out << x;
};

TEST(secret_text, cannot_be_streamed) {
  EXPECT_TRUE(streamable<std::string>);
  EXPECT_FALSE(streamable<secret_text>);
}

// Everything the auth target needs to sign users in, with changes.
variables sign_in(const variables& changes = {}) {
  variables vs{{"DATABASE_URL", "postgresql://mana_auth@db/auth"},
               {"MANA_AUTH_KEK", "k1:" + std::string(44, 'A')},
               {"BASE_URL", "https://mana.test"},
               {"SIGN_IN", "true"},
               {"AUTH_SIGNING_KEY_PEM", "-----BEGIN PRIVATE KEY-----"}};
  for (auto& [name, value] : changes)
    vs[name] = value;
  return vs;
}
const command_line serve_auth{command::serve, {target::auth}};

TEST(settings, of_sign_in_make_the_process_an_issuer_it_accepts) {
  auto [v, errors] = load(sign_in(), serve_auth);
  ASSERT_EQ(errors, std::vector<std::string>{});
  EXPECT_EQ(v.issuers, std::vector<std::string>{"https://mana.test"});
}

TEST(settings, of_sign_in_need_a_key_that_signs) {
  EXPECT_EQ(load(sign_in({{"AUTH_SIGNING_KEY_PEM", ""}}), serve_auth).errors,
            std::vector<std::string>{"AUTH_SIGNING_KEY_PEM is not set, but SIGN_IN needs it to sign tokens"});
}

TEST(settings, of_sign_in_must_accept_its_own_tokens) {
  EXPECT_EQ(load(sign_in({{"JWT_ISSUER", "https://other.test"}}), serve_auth).errors,
            std::vector<std::string>{"JWT_ISSUER: must hold BASE_URL, the issuer of the tokens of SIGN_IN"});
  EXPECT_TRUE(load(sign_in({{"JWT_ISSUER", "https://other.test,https://mana.test"}}), serve_auth).errors.empty());
}

} // namespace
