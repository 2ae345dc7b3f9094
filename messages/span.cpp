#include "messages/span.hpp"

namespace mana {

namespace {

template <std::size_t N>
std::array<char, 2 * N> hex_of(const std::array<std::uint8_t, N>& bytes) noexcept {
  constexpr std::string_view digits = "0123456789abcdef";
  std::array<char, 2 * N> out{};
  for (std::size_t i = 0; i < N; ++i) {
    out[2 * i] = digits[bytes[i] >> 4u];
    out[2 * i + 1] = digits[bytes[i] & 15u];
  }
  return out;
}

} // namespace

std::array<char, 32> to_hex(const trace_id& id) noexcept { return hex_of(id.bytes); }
std::array<char, 16> to_hex(const span_id& id) noexcept { return hex_of(id.bytes); }

} // namespace mana
