// The command line: `mana-ai [check|migrate|keygen|audit verify|missions quarantined|missions release]
// [--target=a,b] [--out=DIR] [--user=ID] [--mission=ID] [--help] [--version]`. Everything else is a setting of the
// environment (settings.hpp).
#pragma once

#include "infra/config/targets.hpp"
#include "messages/result.hpp"

#include <span>
#include <string>

namespace mana::config {

enum class command : std::uint8_t {
  serve,        // the default: run the targets until SIGTERM
  check,        // try everything the targets need, print a table
  migrate,      // bring the database's schema up to date
  keygen,       // write new keys into files
  verify_audit, // check the chain of one user's audit rows
  list_quarantined,
  release_mission, // from quarantine
  help,
  version,
};

struct command_line {
  command what = command::serve;
  target_set targets{target::runner, target::auth, target::sync, target::web, target::llm_standin};
  std::string out_directory = "mana-ai-keys"; // of keygen
  std::string user = {};                      // of audit verify and missions release; never empty there
  std::string mission = {};                   // of missions release; never empty there
};

// `arguments` without the program's name. --help and --version win over everything but an unknown
// argument. config_invalid names the argument at fault.
result<command_line> parse_command_line(std::span<const std::string> arguments);

// Usage, commands and options; the settings are in settings_help().
std::string command_line_help();

} // namespace mana::config
