// A plan as the model proposed it and the parser accepted it.
#pragma once

#include "infra/json/value.hpp"

#include <string>
#include <vector>

namespace mana {

struct plan_step {
  std::string summary;
  std::string tool_name;
  json::value params; // an object
  std::string rationale;
};

struct plan {
  std::string summary;
  std::vector<plan_step> steps;
};

} // namespace mana
