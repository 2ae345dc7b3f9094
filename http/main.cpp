// mana-ai: command line, settings, and what to do with them.
#include "actors/supervisor/key_settings.hpp"
#include "http/audit_command.hpp"
#include "http/check.hpp"
#include "http/missions_command.hpp"
#include "http/service.hpp"
#include "http/version.hpp"
#include "infra/config/command_line.hpp"
#include "infra/config/settings.hpp"
#include "infra/crypto/keygen.hpp"
#include "infra/crypto/process_memory.hpp"
#include "infra/log/log.hpp"
#include "infra/postgres/migrator.hpp"

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

namespace {

using namespace mana;

constexpr int usage_error = 2;

int migrate(const config::settings& s, config::target_set targets) {
  if (s.migration_database_url.empty()) {
    std::fputs("mana-ai migrate: MIGRATION_DATABASE_URL is not set; it names the login mana_ai_migrator\n", stderr);
    return usage_error;
  }
  for (auto* set : pg::migrations_of(targets)) {
    auto schema = std::string{set->schema};
    auto applied = pg::migrate(s.migration_database_url.reveal(), *set);
    if (!applied) {
      std::fprintf(stderr, "mana-ai migrate: %s: %s\n", schema.c_str(), applied.error().detail.c_str());
      return 1;
    }
    std::printf("%s: %zu migrations applied, %d known\n", schema.c_str(), *applied, set->migrations.back().number);
  }
  return 0;
}

// Everything but help and version handles keys or passwords. The program starts again in here unless it
// was started with LD_BIND_NOW.
crypto::heap_status protect_memory(char** argv) {
  crypto::require_bind_now(argv);
  crypto::forbid_dumps();
  return crypto::init_secure_heap();
}

int serve_in(crypto::heap_status heap, const config::settings& s, config::target_set targets) {
  if (heap == crypto::heap_status::not_locked)
    log::warn("secure_heap_not_locked",
              {{"advice", "keys may be swapped to disk: raise the limit of locked memory (ulimit -l, "
                          "LimitMEMLOCK=) to at least 2 MiB or switch swap off"}});
  return serve(s, targets);
}

int keygen(const std::string& directory) {
  auto written = crypto::generate_keys(directory);
  if (!written) {
    std::fprintf(stderr, "mana-ai keygen: %s\n", written.error().detail.c_str());
    return 1;
  }
  for (auto& file : *written)
    std::printf("%s_FILE=%s\n", file.setting.c_str(), file.path.c_str());
  return 0;
}

// A setting whose size is wrong already is not named again.
void add_key_errors(config::loaded_settings& loaded, config::target_set targets) {
  for (auto& e : key_errors(loaded.values, targets)) {
    auto named = [name = e.substr(0, e.find(':'))](auto& known) { return known.starts_with(name); };
    if (std::none_of(loaded.errors.begin(), loaded.errors.end(), named))
      loaded.errors.push_back(std::move(e));
  }
}

int with_settings(const config::command_line& cl, crypto::heap_status heap) {
  auto loaded = config::load_settings(cl, config::process_environment(), config::this_host());
  if (cl.what != config::command::migrate)
    add_key_errors(loaded, cl.targets);
  if (!loaded.errors.empty()) {
    std::fputs("mana-ai: the settings are wrong; `mana-ai --help` explains each\n", stderr);
    for (auto& e : loaded.errors)
      std::fprintf(stderr, "  %s\n", e.c_str());
    return usage_error;
  }
  switch (cl.what) {
    case config::command::check: return check(loaded.values, cl.targets);
    case config::command::migrate: return migrate(loaded.values, cl.targets);
    case config::command::verify_audit: return verify_audit_chain(loaded.values, {cl.user});
    case config::command::list_quarantined: return print_quarantined(loaded.values);
    case config::command::release_mission: return release_from_quarantine(loaded.values, {{cl.user}, {cl.mission}});
    default: return serve_in(heap, loaded.values, cl.targets);
  }
}

int run(const std::vector<std::string>& arguments, char** argv) {
  auto cl = config::parse_command_line(arguments);
  if (!cl) {
    std::fprintf(stderr, "mana-ai: %s\n", cl.error().detail.c_str());
    return usage_error;
  }
  if (cl->what == config::command::help) {
    std::fputs((config::command_line_help() + "\n" + config::settings_help()).c_str(), stdout);
    return 0;
  }
  if (cl->what == config::command::version) {
    std::printf("mana-ai %s\n", version);
    return 0;
  }
  if (cl->what == config::command::serve)
    hold_stop_signals();
  auto heap = protect_memory(argv);
  if (heap == crypto::heap_status::failed) {
    std::fputs("mana-ai: there is no memory for keys (OpenSSL's secure heap)\n", stderr);
    return 1;
  }
  return cl->what == config::command::keygen ? keygen(cl->out_directory) : with_settings(*cl, heap);
}

} // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + 1, argv + argc}, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "mana-ai: %s\n", e.what());
    return 1;
  }
}
