#include "actors/llm_client/endpoint_choice.hpp"

#include <algorithm>

namespace mana {

namespace {

bool is(const endpoint_view& e, endpoint_state s) { return e.state == s; }

} // namespace

endpoint_choice choose_endpoint(const std::vector<endpoint_view>& endpoints, bool may_pass_busy,
                                std::optional<std::size_t> last_resort) {
  using kind = endpoint_choice::kind;
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    if (i == last_resort)
      continue;
    if (is(endpoints[i], endpoint_state::ready))
      return {kind::take, i};
    if (is(endpoints[i], endpoint_state::busy) && !may_pass_busy)
      break;
  }
  if (last_resort && is(endpoints[*last_resort], endpoint_state::ready))
    return {kind::take, *last_resort};
  auto busy = [](const endpoint_view& e) { return is(e, endpoint_state::busy); };
  if (std::any_of(endpoints.begin(), endpoints.end(), busy))
    return {kind::wait};
  auto soonest = std::min_element(endpoints.begin(), endpoints.end(),
                                  [](const auto& a, const auto& b) { return a.until < b.until; });
  return {kind::nowhere, 0, soonest->until, soonest->state};
}

bool another_takes_calls(const std::vector<endpoint_view>& endpoints, std::size_t than) {
  for (std::size_t i = 0; i < endpoints.size(); ++i)
    if (i != than && (is(endpoints[i], endpoint_state::ready) || is(endpoints[i], endpoint_state::busy)))
      return true;
  return false;
}

} // namespace mana
