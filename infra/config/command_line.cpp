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
  return std::nullopt;
}

} // namespace

result<command_line> parse_command_line(std::span<const std::string> arguments) {
  constexpr std::string_view target_option = "--target";
  command_line out;
  std::optional<command> asked; // --help or --version
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string_view argument = arguments[i];
    if (argument == "--help" || argument == "-h") {
      asked = command::help;
    } else if (argument == "--version") {
      asked = asked.value_or(command::version);
    } else if (argument == target_option || argument.starts_with("--target=")) {
      if (argument == target_option && i + 1 == arguments.size())
        return invalid("--target: a list of targets is missing");
      std::string_view list = argument == target_option ? std::string_view{arguments[++i]} : argument.substr(9);
      auto targets = parse_targets(list);
      if (!targets)
        return std::move(targets).error();
      out.targets = *targets;
    } else if (auto c = named_command(argument)) {
      if (out.what != command::serve)
        return invalid("command " + quoted(argument) + ": only one command at a time");
      out.what = *c;
    } else if (argument.starts_with('-')) {
      return invalid("unknown option " + quoted(argument) + "; --help lists the options");
    } else {
      return invalid("unknown command " + quoted(argument) + "; --help lists the commands");
    }
  }
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
         "\n"
         "Options\n"
         "  --target=a,b     what to serve: all, runner, auth, llm-standin; default all\n"
         "  --help, -h       this text\n"
         "  --version        the version\n";
}

} // namespace mana::config
