#include "infra/json/utf8.hpp"

namespace mana::json {

std::size_t utf8_sequence_length(std::string_view s, std::size_t i) noexcept {
  auto byte = [&](std::size_t k) { return k < s.size() ? static_cast<unsigned char>(s[k]) : 0u; };
  auto continues = [&](std::size_t k, unsigned lo = 0x80, unsigned hi = 0xBF) {
    return byte(k) >= lo && byte(k) <= hi;
  };
  auto b = byte(i);
  if (b < 0x80)
    return 1;
  if (b >= 0xC2 && b <= 0xDF)
    return continues(i + 1) ? 2 : 0;
  if (b >= 0xE0 && b <= 0xEF) {
    auto lo = b == 0xE0 ? 0xA0u : 0x80u;
    auto hi = b == 0xED ? 0x9Fu : 0xBFu;
    return continues(i + 1, lo, hi) && continues(i + 2) ? 3 : 0;
  }
  if (b >= 0xF0 && b <= 0xF4) {
    auto lo = b == 0xF0 ? 0x90u : 0x80u;
    auto hi = b == 0xF4 ? 0x8Fu : 0xBFu;
    return continues(i + 1, lo, hi) && continues(i + 2) && continues(i + 3) ? 4 : 0;
  }
  return 0;
}

} // namespace mana::json
