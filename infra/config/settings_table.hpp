// The table behind settings.hpp: one entry says everything about one setting.
#pragma once

#include "infra/config/settings.hpp"

#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace mana::config {

// The member it fills; its type is the setting's type, secret_text and pem_text make it secret, a
// vector takes a list with commas.
using member = std::variant<std::string settings::*, std::vector<std::string> settings::*, secret_text settings::*,
                            pem_text settings::*, bool settings::*, double settings::*, std::size_t settings::*,
                            std::uint16_t settings::*, milliseconds settings::*, log::level settings::*>;

// Of a number the value, of a text its length in bytes; both ends included.
struct bounds {
  double min = 0;
  double max = 1'000'000'000;
};

struct setting {
  std::string_view name; // of the environment variable
  member into;
  std::string_view fallback; // as it would stand in the environment; empty: none
  bounds limits;
  std::string_view meaning;
  target_set needed_by;                                  // these do not start without it
  std::string_view (*check)(std::string_view) = nullptr; // a further rule: what is wrong, or empty
};

std::span<const setting> settings_table();

} // namespace mana::config
