#include "actors/llm_client/endpoint_choice.hpp"

#include <gtest/gtest.h>

namespace mana {
namespace {

using namespace std::chrono_literals;
using kind = endpoint_choice::kind;
using time_point = std::chrono::steady_clock::time_point;

constexpr time_point now{1000s};
const endpoint_view ready{endpoint_state::ready, {}};
const endpoint_view busy{endpoint_state::busy, {}};
const endpoint_view resting{endpoint_state::resting, now + 5s};
const endpoint_view failing{endpoint_state::failing, now + 9s};

struct expectation {
  std::vector<endpoint_view> endpoints;
  bool may_pass_busy;
  std::optional<std::size_t> last_resort;
  kind what;
  std::size_t endpoint;
};

TEST(endpoint_choice_test, table) {
  const expectation table[] = {
      {{ready}, false, {}, kind::take, 0},
      {{busy}, true, {}, kind::wait, 0},
      {{ready, ready}, false, {}, kind::take, 0},
      {{failing, ready}, false, {}, kind::take, 1},
      {{resting, ready}, false, {}, kind::take, 1},
      {{failing, resting, ready}, false, {}, kind::take, 2},
      // The first one is preferred, but not for ever.
      {{busy, ready}, false, {}, kind::wait, 0},
      {{busy, ready}, true, {}, kind::take, 1},
      {{failing, busy}, false, {}, kind::wait, 0},
      // A call that failed there asks elsewhere first.
      {{ready, ready}, false, 0, kind::take, 1},
      {{ready, busy}, false, 0, kind::take, 0},
      {{ready, failing}, false, 0, kind::take, 0},
      {{busy, failing}, false, 0, kind::wait, 0},
      {{failing, resting}, true, 0, kind::nowhere, 0},
  };
  for (const auto& e : table) {
    SCOPED_TRACE(&e - table);
    auto choice = choose_endpoint(e.endpoints, e.may_pass_busy, e.last_resort);
    EXPECT_EQ(choice.what, e.what);
    EXPECT_EQ(choice.endpoint, e.endpoint);
  }
}

TEST(endpoint_choice_test, nowhere_tells_the_soonest_end) {
  auto choice = choose_endpoint({failing, resting}, false, {});
  EXPECT_EQ(choice.until, now + 5s);
  EXPECT_EQ(choice.why, endpoint_state::resting);
  EXPECT_EQ(choose_endpoint({failing}, false, {}).why, endpoint_state::failing);
}

TEST(endpoint_choice_test, another_than_the_one_that_failed) {
  EXPECT_FALSE(another_takes_calls({ready}, 0));
  EXPECT_TRUE(another_takes_calls({ready, failing}, 1));
  EXPECT_TRUE(another_takes_calls({ready, busy}, 0));
  EXPECT_FALSE(another_takes_calls({ready, failing, resting}, 0));
}

} // namespace
} // namespace mana
