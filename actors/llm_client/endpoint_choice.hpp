// endpoint_choice: which endpoint a call goes to. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace mana {

enum class endpoint_state : std::uint8_t {
  ready,   // it may be sent a call
  busy,    // well, but at its limit
  resting, // it refused calls (429) and is left alone until `until`
  failing  // its circuit refuses until `until`, or until a probe was answered
};

struct endpoint_view {
  endpoint_state state = endpoint_state::ready;
  std::chrono::steady_clock::time_point until{};
};

struct endpoint_choice {
  enum class kind : std::uint8_t {
    take,   // `endpoint`
    wait,   // for a place
    nowhere // none takes calls until `until`; `why` says what the endpoint of that time is: resting or failing
  };
  kind what = kind::nowhere;
  std::size_t endpoint = 0;
  std::chrono::steady_clock::time_point until{};
  endpoint_state why = endpoint_state::failing;
};

// `endpoints`, at least one, in the operator's order, which is one of price and trust: so a call waits for
// a place at the first that is well, and goes on to the next only when that one is in trouble, or when
// `may_pass_busy`: an endpoint that hangs looks busy until its calls time out. `last_resort` is the endpoint
// where this call failed just now: it is taken when no other has a place.
endpoint_choice choose_endpoint(const std::vector<endpoint_view>& endpoints, bool may_pass_busy,
                                std::optional<std::size_t> last_resort);

// Whether an endpoint other than `than` is ready or busy.
bool another_takes_calls(const std::vector<endpoint_view>& endpoints, std::size_t than);

} // namespace mana
