#include "infra/metrics/user_group.hpp"

#include "infra/crypto/primitives.hpp"

#include <array>
#include <string>

namespace mana::metrics {

namespace {

using group_names = std::array<std::string, 64>;

const group_names& names() {
  static const auto all = [] {
    group_names out;
    for (std::size_t n = 0; n < out.size(); ++n)
      out[n] = std::to_string(n);
    return out;
  }();
  return all;
}

} // namespace

std::string_view user_group(std::string_view user) {
  return names()[crypto::sha256(crypto::as_bytes(user))[0] % names().size()];
}

const std::vector<std::string_view>& user_groups() {
  static const std::vector<std::string_view> all{names().begin(), names().end()};
  return all;
}

} // namespace mana::metrics
