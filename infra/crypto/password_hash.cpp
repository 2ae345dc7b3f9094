#include "infra/crypto/password_hash.hpp"

#include "infra/crypto/base64.hpp"
#include "infra/crypto/primitives.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <array>
#include <charconv>
#include <cstdint>

namespace mana::crypto {

namespace {

constexpr std::size_t salt_bytes = 16;
constexpr std::size_t hash_bytes = 32;
constexpr std::string_view prefix = "$scrypt$ln=";

struct cost {
  unsigned log2_n = 15;
  unsigned r = 8;
  unsigned p = 1;
};
// Stored hashes of another cost are accepted within these, so that the cost can be raised.
constexpr cost least{12, 1, 1};
constexpr cost most{18, 16, 4};

using derived_key = std::array<unsigned char, hash_bytes>;

bool derive(std::string_view password, byte_view salt, const cost& c, derived_key& out) {
  constexpr std::uint64_t max_memory = 600u << 20; // above what `most` needs
  return EVP_PBE_scrypt(password.data(), password.size(), salt.data(), salt.size(), std::uint64_t{1} << c.log2_n, c.r,
                        c.p, max_memory, out.data(), out.size())
         == 1;
}

std::string unpadded(byte_view data) {
  auto text = to_base64(data);
  text.resize(text.find_last_not_of('=') + 1);
  return text;
}

// Takes `name` and the number behind it.
bool take_number(std::string_view& text, std::string_view name, unsigned least_value, unsigned most_value,
                 unsigned& out) {
  if (!text.starts_with(name))
    return false;
  text.remove_prefix(name.size());
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return ec == std::errc{} && out >= least_value && out <= most_value;
}

struct stored {
  cost c;
  bytes salt;
  bytes hash;
};

std::optional<stored> parse(std::string_view text) {
  stored out;
  if (!take_number(text, prefix, least.log2_n, most.log2_n, out.c.log2_n)
      || !take_number(text, ",r=", least.r, most.r, out.c.r) || !take_number(text, ",p=", least.p, most.p, out.c.p)
      || !text.starts_with('$'))
    return std::nullopt;
  text.remove_prefix(1);
  auto end = text.find('$');
  if (end == text.npos)
    return std::nullopt;
  auto salt = from_base64(text.substr(0, end));
  auto hash = from_base64(text.substr(end + 1));
  if (!salt || salt->size() != salt_bytes || !hash || hash->size() != hash_bytes)
    return std::nullopt;
  out.salt = std::move(*salt);
  out.hash = std::move(*hash);
  return out;
}

} // namespace

std::optional<std::string> hash_password(std::string_view password) {
  std::array<unsigned char, salt_bytes> salt{};
  derived_key derived{};
  constexpr cost c;
  if (!random_bytes(salt.data(), salt.size()) || !derive(password, salt, c, derived))
    return std::nullopt;
  return std::string{prefix} + std::to_string(c.log2_n) + ",r=" + std::to_string(c.r) + ",p=" + std::to_string(c.p)
         + '$' + unpadded(salt) + '$' + unpadded(derived);
}

std::optional<bool> password_matches(std::string_view password, std::string_view encoded) {
  auto expected = parse(encoded);
  if (!expected)
    return false;
  derived_key derived{};
  if (!derive(password, expected->salt, expected->c, derived))
    return std::nullopt;
  return equal_constant_time(derived, expected->hash);
}

void spend_time_of_a_match(std::string_view password) {
  constexpr std::array<unsigned char, salt_bytes> any_salt{};
  derived_key unused{};
  derive(password, any_salt, cost{}, unused);
}

} // namespace mana::crypto
