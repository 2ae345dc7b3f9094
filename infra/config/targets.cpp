#include "infra/config/targets.hpp"

namespace mana::config {

std::string_view to_string(target t) noexcept {
  switch (t) {
    case target::runner: return "runner";
    case target::auth: return "auth";
    case target::sync: return "sync";
    case target::web: return "web";
    case target::llm_standin: return "llm-standin";
  }
  return "runner";
}

std::string to_string(target_set ts) {
  std::string out;
  for (auto t : all_targets)
    if (ts.contains(t))
      (out += out.empty() ? "" : ",") += to_string(t);
  return out;
}

result<target_set> parse_targets(std::string_view text) {
  target_set out;
  for (bool more = true; more;) {
    auto comma = text.find(',');
    more = comma != std::string_view::npos;
    auto name = text.substr(0, comma);
    text.remove_prefix(more ? comma + 1 : text.size());
    bool known = name == "all";
    for (auto t : all_targets)
      if (name == "all" || name == to_string(t)) {
        out.insert(t);
        known = true;
      }
    if (!known)
      return failure{errc::config_invalid, "--target: unknown target \"" + std::string{name.substr(0, 40)}
                                               + "\"; known are all, runner, auth, sync, web, llm-standin"};
  }
  return out;
}

} // namespace mana::config
