#include "infra/config/command_line.hpp"

#include <optional>

namespace mana::config {

namespace {

failure invalid(std::string detail) { return {errc::config_invalid, std::move(detail)}; }

std::string quoted(std::string_view argument) { return '"' + std::string{argument.substr(0, 80)} + '"'; }

std::optional<command> named_command(std::string_view argument) {
  if (argument == "check")
    return command::check;
  if (argument == "migrate")
    return command::migrate;
  if (argument == "keygen")
    return command::keygen;
  if (argument == "audit verify")
    return command::verify_audit;
  if (argument == "missions quarantined")
    return command::list_quarantined;
  if (argument == "missions release")
    return command::release_mission;
  return std::nullopt;
}

// The value of `--name=value` or `--name value`, when arguments[at] is that option; `at` moves on to the
// last argument that was read.
std::optional<result<std::string_view>> option_value(std::string_view name, std::span<const std::string> arguments,
                                                     std::size_t& at) {
  std::string_view argument = arguments[at];
  if (argument == name) {
    if (at + 1 == arguments.size())
      return invalid(std::string{name} + ": its value is missing");
    return std::string_view{arguments[++at]};
  }
  if (argument.starts_with(name) && argument.substr(name.size()).starts_with('='))
    return argument.substr(name.size() + 1);
  return std::nullopt;
}

std::optional<failure> take_targets(const result<std::string_view>& list, command_line& out) {
  if (!list)
    return list.error();
  auto targets = parse_targets(*list);
  if (!targets)
    return std::move(targets).error();
  out.targets = *targets;
  return std::nullopt;
}

std::optional<failure> take_directory(const result<std::string_view>& directory, command_line& out) {
  if (!directory || directory->empty())
    return invalid("--out: the name of a directory is missing");
  out.out_directory = *directory;
  return std::nullopt;
}

std::optional<failure> take_user(const result<std::string_view>& user, command_line& out) {
  if (!user || user->empty())
    return invalid("--user: the id of a user is missing");
  out.user = *user;
  return std::nullopt;
}

std::optional<failure> take_mission(const result<std::string_view>& mission, command_line& out) {
  if (!mission || mission->empty())
    return invalid("--mission: the id of a mission is missing");
  out.mission = *mission;
  return std::nullopt;
}

std::optional<failure> take_word(std::string_view argument, command_line& out) {
  auto c = named_command(argument);
  if (c && out.what != command::serve)
    return invalid("command " + quoted(argument) + ": only one command at a time");
  if (!c && argument.starts_with('-'))
    return invalid("unknown option " + quoted(argument) + "; --help lists the options");
  if (!c)
    return invalid("unknown command " + quoted(argument) + "; --help lists the commands");
  out.what = *c;
  return std::nullopt;
}

// Options that belong to some commands only.
std::optional<failure> check_options(const command_line& out, bool names_directory, bool asked) {
  bool release = out.what == command::release_mission;
  bool of_user = release || out.what == command::verify_audit;
  if (names_directory && out.what != command::keygen)
    return invalid("--out: only keygen writes files");
  if (!asked && out.user.empty() == of_user)
    return invalid("--user: needed by audit verify and missions release, and by nothing else");
  if (!asked && out.mission.empty() == release)
    return invalid("--mission: needed by missions release, and by nothing else");
  return std::nullopt;
}

} // namespace

result<command_line> parse_command_line(std::span<const std::string> arguments) {
  command_line out;
  bool names_directory = false;
  std::optional<command> asked; // --help or --version
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string_view argument = arguments[i];
    std::optional<failure> wrong;
    if (argument == "--help" || argument == "-h") {
      asked = command::help;
    } else if (argument == "--version") {
      asked = asked.value_or(command::version);
    } else if (auto list = option_value("--target", arguments, i)) {
      wrong = take_targets(*list, out);
    } else if (auto directory = option_value("--out", arguments, i)) {
      wrong = take_directory(*directory, out);
      names_directory = true;
    } else if (auto user = option_value("--user", arguments, i)) {
      wrong = take_user(*user, out);
    } else if (auto mission = option_value("--mission", arguments, i)) {
      wrong = take_mission(*mission, out);
    } else if ((argument == "audit" || argument == "missions") && i + 1 < arguments.size()) {
      wrong = take_word(std::string{argument} + ' ' + arguments[++i], out);
    } else {
      wrong = take_word(argument, out);
    }
    if (wrong)
      return std::move(*wrong);
  }
  if (auto wrong = check_options(out, names_directory, asked.has_value()))
    return std::move(*wrong);
  out.what = asked.value_or(out.what);
  return out;
}

std::string command_line_help() {
  return "Usage: mana-ai [command] [options]\n"
         "\n"
         "Commands\n"
         "  (none)           serve the targets until SIGTERM\n"
         "  check            try database, roles, migrations, LLM and keys; exits non-zero if anything is wrong\n"
         "  migrate          bring the targets' schemas up to date with MIGRATION_DATABASE_URL, then exit\n"
         "  keygen           write new keys for all settings that take one, each to a file of its own\n"
         "  audit verify     check the chain of a user's audit rows; exit code 0: it holds, 1: it does not, 2: not "
         "checked\n"
         "  missions quarantined\n"
         "                   list the missions that ended their runner too often and wait for an operator\n"
         "  missions release put one of them back; exit code 1: there is nothing to release, 2: not asked\n"
         "\n"
         "Options\n"
         "  --target=a,b     what to serve: all, runner, auth, sync, web, llm-standin;\n"
         "                   default all\n"
         "  --out=DIR        where keygen writes; default mana-ai-keys; existing files are never overwritten\n"
         "  --user=ID        whose audit rows audit verify checks, whose mission missions release puts back\n"
         "  --mission=ID     the mission that missions release puts back\n"
         "  --help, -h       this text\n"
         "  --version        the version\n";
}

} // namespace mana::config
