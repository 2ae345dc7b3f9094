// Bytes to be hashed or signed: texts with their length before them, so that no two lists of texts run
// together into the same bytes.
#pragma once

#include "infra/crypto/secret.hpp"

#include <cstdint>
#include <string_view>

namespace mana::crypto {

inline void append_raw(bytes& out, std::string_view s) { out.insert(out.end(), s.begin(), s.end()); }

// Four bytes, big-endian.
inline void append_count(bytes& out, std::uint32_t n) {
  for (int shift : {24, 16, 8, 0})
    out.push_back(static_cast<unsigned char>(n >> shift));
}

// The length in bytes as a count, then the text.
inline void append_framed(bytes& out, std::string_view text) {
  append_count(out, static_cast<std::uint32_t>(text.size()));
  append_raw(out, text);
}

} // namespace mana::crypto
