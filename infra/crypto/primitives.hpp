// SHA-256, HKDF, AES-256-GCM and constant-time comparison, from OpenSSL. Nothing throws; nothing
// keeps key material on the ordinary heap beyond a call.
#pragma once

#include "infra/crypto/secret.hpp"

#include <array>
#include <optional>
#include <string_view>

namespace mana::crypto {

inline constexpr std::size_t key_bytes = 32;
inline constexpr std::size_t nonce_bytes = 12;
inline constexpr std::size_t tag_bytes = 16;

using digest = std::array<unsigned char, 32>;
digest sha256(byte_view data);

// HKDF-SHA256 (RFC 5869) with 32 bytes of output, `info` of any length: OpenSSL's own stops at
// 32 kB, so the one expand step is an HMAC over info and 0x01. nullopt: no secure memory.
std::optional<secret> hkdf_sha256(byte_view key, byte_view salt, byte_view info);

// ciphertext‖tag. Keys of 32, nonces of 12 bytes; anything else, or a library failure: nullopt.
std::optional<bytes> aes_gcm_seal(byte_view key, byte_view nonce, byte_view aad, byte_view plain);
// nullopt: too short, tampered with, or another key; nothing of the plaintext remains then.
std::optional<sensitive_text> aes_gcm_open(byte_view key, byte_view nonce, byte_view aad, byte_view sealed);
// The same for a plaintext that is a key.
std::optional<secret> aes_gcm_open_key(byte_view key, byte_view nonce, byte_view aad, byte_view sealed);

// From the library's generator for secrets. False: it failed; do not go on.
[[nodiscard]] bool random_bytes(unsigned char* out, std::size_t size);
std::optional<secret> random_key();

// Neither content nor a common prefix shows in the time it takes.
bool equal_constant_time(byte_view a, byte_view b);

} // namespace mana::crypto
