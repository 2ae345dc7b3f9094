// The catalogue this binary was built with.
#pragma once

#include "actors/planner/tool_catalogue.hpp"

namespace mana::test {

inline const tool_catalogue& catalogue() {
  static const tool_catalogue loaded = *load_embedded_tool_catalogue();
  return loaded;
}

} // namespace mana::test
