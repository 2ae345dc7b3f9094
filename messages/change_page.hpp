// A page of a user's change log as the sync routes answer it.
#pragma once

#include <caf/all.hpp>

#include <cstddef>
#include <string>

namespace mana {

struct change_page {
  std::string rows = "[]"; // JSON array of server changes, as they are sent
  std::size_t count = 0;
  std::string synced_until; // the cursor behind them
  bool has_more = false;
};

} // namespace mana

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::change_page)
