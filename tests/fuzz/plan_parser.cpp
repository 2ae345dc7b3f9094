// Answers of a model.
#include "actors/planner/plan_parser.hpp"
#include "tests/fuzz/require.hpp"

#include <cstdint>

using namespace mana;
using mana::fuzz::require;

namespace {

const tool_catalogue& tools() {
  static const auto catalogue = *load_embedded_tool_catalogue();
  return catalogue;
}

void is_within_its_limits(const plan& p) {
  require(p.steps.size() <= max_plan_steps);
  for (auto& step : p.steps) {
    require(tools().find_proposable(step.tool_name) != nullptr);
    require(!step.rationale.empty());
  }
  require(!check_parameters(p, tools()));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input{reinterpret_cast<const char*>(data), size};
  auto parsed = parse_plan(input, tools());
  if (parsed)
    is_within_its_limits(*parsed);
  else
    require(parsed.error().code == errc::plan_rejected);
  return 0;
}
