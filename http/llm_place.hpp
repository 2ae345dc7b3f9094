// Where prompts go, for the dialog in which a user consents to that.
#pragma once

#include "infra/config/settings.hpp"

#include <string>
#include <vector>

namespace mana::http {

struct llm_place {
  std::string host;
  std::vector<std::string> fallback_hosts; // where it goes when the first takes no calls
  std::string model;
  bool stand_in = false; // rules, no model
  int max_tokens = 0;    // longest answer
};

// Hosts without the port where it is the scheme's own. A stand-in that this process serves is recognised, another one
// is named by its setting.
llm_place llm_place_of(const config::settings& s, config::target_set targets);

} // namespace mana::http
