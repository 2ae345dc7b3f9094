#include "infra/config/settings.hpp"

#include "infra/config/settings_table.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include <unistd.h>

namespace mana::config {

environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    auto* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>{value};
  };
}

host_facts this_host() {
  char name[256] = {};
  bool named = ::gethostname(name, sizeof name - 1) == 0 && name[0] != '\0';
  host_facts out;
  out.replica_name = std::string{named ? name : "host"} + "-" + std::to_string(::getpid());
  out.cores = std::max(1u, std::thread::hardware_concurrency());
  std::error_code ec;
  auto program = std::filesystem::read_symlink("/proc/self/exe", ec);
  if (!ec)
    out.web_root = program.parent_path().parent_path() / "webapp";
  return out;
}

namespace {

constexpr std::size_t max_file_bytes = 65'536;

// A text, or what is wrong with it; "" for a setting that is not set.
using text_or_problem = result<std::string>;

failure problem(std::string what) { return {errc::config_invalid, std::move(what)}; }

text_or_problem read_file(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  std::string text(max_file_bytes + 1, '\0');
  if (!in || !in.read(text.data(), static_cast<std::streamsize>(text.size())).eof())
    return problem(in ? "the file is larger than 64 KiB" : "the file cannot be read");
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.ends_with('\n'))
    text.pop_back();
  if (text.ends_with('\r'))
    text.pop_back();
  if (text.empty())
    return problem("the file is empty");
  return text;
}

text_or_problem raw_value(const setting& s, const environment& env) {
  std::string name{s.name};
  auto direct = env(name).value_or("");
  auto path = env(name + "_FILE").value_or("");
  if (path.empty())
    return direct;
  if (!direct.empty())
    return problem("is set together with " + name + "_FILE; only one of them may be");
  auto text = read_file(path);
  if (!text)
    return problem(name + "_FILE: " + text.error().detail);
  return text;
}

std::string shown(double d) {
  char buffer[64];
  auto end = std::to_chars(buffer, buffer + sizeof buffer, d, std::chars_format::fixed).ptr;
  return {buffer, end};
}

std::string range(bounds b) { return "from " + shown(b.min) + " to " + shown(b.max); }

template <class T>
std::optional<T> number(std::string_view text, bounds b) {
  T value{};
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  auto d = static_cast<double>(value);
  if (ec != std::errc{} || end != text.data() + text.size() || !(d >= b.min && d <= b.max))
    return std::nullopt;
  return value;
}

// Stores a value in its member: one overload per type of setting; the answer is what is wrong.
struct store {
  settings& out;
  const setting& s;
  std::string_view text;

  std::string text_problem() const {
    if (std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }))
      return "must not hold control characters";
    return length_problem();
  }
  std::string length_problem() const {
    auto n = static_cast<double>(text.size());
    if (n >= s.limits.min && n <= s.limits.max)
      return s.check != nullptr ? std::string{s.check(text)} : std::string{};
    return n < s.limits.min ? "must have at least " + shown(s.limits.min) + " characters"
                            : "must have at most " + shown(s.limits.max) + " bytes";
  }
  std::string operator()(std::string settings::*m) const {
    out.*m = std::string{text};
    return text_problem();
  }
  std::string operator()(secret_text settings::*m) const {
    out.*m = secret_text{std::string{text}};
    return text_problem();
  }
  // The crypto door checks what is between the lines.
  std::string operator()(pem_text settings::*m) const {
    out.*m = pem_text{std::string{text}};
    return length_problem();
  }
  std::string operator()(std::vector<std::string> settings::*m) const {
    auto& list = out.*m;
    for (auto rest = text; !rest.empty();) {
      auto comma = rest.find(',');
      if (auto item = rest.substr(0, comma); !item.empty())
        list.emplace_back(item);
      rest = comma == rest.npos ? std::string_view{} : rest.substr(comma + 1);
    }
    return text_problem();
  }
  std::string operator()(bool settings::*m) const {
    out.*m = text == "true" || text == "1";
    return out.*m || text == "false" || text == "0" ? "" : "must be true or false";
  }
  std::string operator()(log::level settings::*m) const {
    auto l = log::parse_level(text);
    out.*m = l.value_or(log::level::info);
    return l ? "" : "must be debug, info, warn or error";
  }
  std::string operator()(double settings::*m) const {
    auto n = number<double>(text, s.limits);
    out.*m = n.value_or(0);
    return n ? "" : "must be a number " + range(s.limits);
  }
  template <class T>
  std::string whole(T& member) const {
    auto n = number<std::uint64_t>(text, s.limits);
    member = static_cast<T>(n.value_or(0));
    return n ? "" : "must be a whole number " + range(s.limits);
  }
  std::string operator()(std::size_t settings::*m) const { return whole(out.*m); }
  std::string operator()(std::uint16_t settings::*m) const { return whole(out.*m); }
  std::string operator()(milliseconds settings::*m) const {
    std::uint64_t n = 0;
    auto wrong = whole(n);
    out.*m = milliseconds{n};
    return wrong.empty() ? wrong : wrong + " (milliseconds)";
  }
};

// `migrate` touches nothing but the schema; the others here ask the runner's database one question.
bool is_needed(const setting& s, const command_line& cl) {
  if (cl.what == command::migrate)
    return s.name == "MIGRATION_DATABASE_URL";
  if (cl.what == command::verify_audit || cl.what == command::list_quarantined || cl.what == command::release_mission)
    return s.name == "SYNC_DATABASE_URL";
  return s.needed_by.intersects(cl.targets);
}

std::string load_one(const setting& s, const command_line& cl, const environment& env, settings& out) {
  auto raw = raw_value(s, env);
  if (!raw)
    return raw.error().detail;
  std::string_view text = raw->empty() ? s.fallback : std::string_view{*raw};
  if (!text.empty())
    return std::visit(store{out, s, text}, s.into);
  return is_needed(s, cl) ? "is not set" : "";
}

// The standalone mode signs tokens, and accepts its own.
void check_sign_in(const settings& v, std::vector<std::string>& errors) {
  if (v.auth_signing_keys.empty())
    errors.emplace_back("AUTH_SIGNING_KEY_PEM is not set, but SIGN_IN needs it to sign tokens");
  if (std::find(v.issuers.begin(), v.issuers.end(), v.base_url) == v.issuers.end())
    errors.emplace_back("JWT_ISSUER: must hold BASE_URL, the issuer of the tokens of SIGN_IN");
}

// A key or model that would be ignored is a mistake: perhaps it was meant for another endpoint.
void check_endpoints(const settings& v, std::vector<std::string>& errors) {
  auto stray = [](const std::string& url, const secret_text& key, const std::string& model, const std::string& ca) {
    return url.empty() && (!key.empty() || !model.empty() || !ca.empty());
  };
  if (stray(v.llm_url_2, v.llm_api_key_2, v.llm_model_2, v.llm_ca_file_2))
    errors.emplace_back("MANA_LLM_URL_2 is not set, but other settings of endpoint 2 are");
  if (stray(v.llm_url_3, v.llm_api_key_3, v.llm_model_3, v.llm_ca_file_3))
    errors.emplace_back("MANA_LLM_URL_3 is not set, but other settings of endpoint 3 are");
  if (v.llm_url_2.empty() && !v.llm_url_3.empty())
    errors.emplace_back("MANA_LLM_URL_2 is not set, but MANA_LLM_URL_3 is");
}

void check_together(settings& v, target_set targets, std::vector<std::string>& errors) {
  if (v.retry_base > v.retry_max)
    errors.emplace_back("RETRY_BASE_MS: must not exceed RETRY_MAX_MS");
  if (v.llm_backoff_base > v.llm_backoff_max)
    errors.emplace_back("LLM_BACKOFF_BASE_MS: must not exceed LLM_BACKOFF_MAX_MS");
  check_endpoints(v, errors);
  if (v.issuers.empty() && !v.base_url.empty())
    v.issuers.push_back(v.base_url);
  if (v.standalone_sign_in && targets.contains(target::auth))
    check_sign_in(v, errors);
  auto faults = v.standin_error_rate + v.standin_malformed_rate + v.standin_hang_rate + v.standin_cut_rate
                + v.standin_rate_limit_rate;
  if (faults > 1 + 1e-9)
    errors.emplace_back("STANDIN_ERROR_RATE: the five STANDIN_…_RATE together must not exceed 1");
}

} // namespace

loaded_settings load_settings(const command_line& cl, const environment& env, const host_facts& host) {
  loaded_settings out;
  for (auto& s : settings_table())
    if (auto wrong = load_one(s, cl, env, out.values); !wrong.empty())
      out.errors.push_back(std::string{s.name} + (wrong.starts_with("is ") ? " " : ": ") + wrong);
  if (out.errors.empty())
    check_together(out.values, cl.targets, out.errors);
  if (out.values.replica_name.empty())
    out.values.replica_name = host.replica_name;
  if (out.values.worker_threads == 0)
    out.values.worker_threads = host.cores;
  if (out.values.web_root.empty())
    out.values.web_root = host.web_root;
  return out;
}

// A longer one has a line of its own, so that meanings have room beside all others.
constexpr std::size_t widest_name = 25;

std::string settings_help() {
  auto fallback = [](const setting& s) {
    if (!s.needed_by.empty())
      return "needed: " + to_string(s.needed_by);
    return s.fallback.empty() ? std::string{"-"} : std::string{s.fallback};
  };
  std::size_t names = 0;
  std::size_t fallbacks = 0;
  for (auto& s : settings_table()) {
    names = std::max(names, s.name.size() > widest_name ? 0 : s.name.size());
    fallbacks = std::max(fallbacks, fallback(s).size());
  }
  auto row = [&](std::string_view name, std::string_view value, std::string_view meaning) {
    auto gap = name.size() > names ? '\n' + std::string(names + 4, ' ') : std::string(names + 2 - name.size(), ' ');
    return "  " + std::string{name} + gap + std::string{value} + std::string(fallbacks + 2 - value.size(), ' ')
           + std::string{meaning} + '\n';
  };
  std::string out = "Settings (environment; <NAME>_FILE instead names a file that holds the value)\n";
  out += row("NAME", "DEFAULT", "MEANING");
  for (auto& s : settings_table())
    out += row(s.name, fallback(s), s.meaning);
  return out;
}

} // namespace mana::config
