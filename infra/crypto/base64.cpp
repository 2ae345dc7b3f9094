#include "infra/crypto/base64.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace mana::crypto {

namespace {

constexpr std::string_view standard = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint8_t no_digit = 0xFF;

using digit_table = std::array<std::uint8_t, 256>;

constexpr digit_table digits_of(std::string_view alphabet) {
  digit_table out{};
  out.fill(no_digit);
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    out[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  return out;
}
constexpr digit_table standard_digits = digits_of(standard);
constexpr digit_table url_digits = digits_of(url);

constexpr std::size_t padded_size(std::size_t bytes) { return (bytes + 2) / 3 * 4; }
constexpr std::size_t unpadded_size(std::size_t bytes) { return (bytes * 4 + 2) / 3; }

// Writes unpadded_size() characters.
void encode(byte_view data, std::string_view alphabet, char* out) {
  std::uint32_t buffer = 0;
  int bits = 0;
  for (auto byte : data) {
    buffer = buffer << 8 | byte;
    for (bits += 8; bits >= 6; bits -= 6)
      *out++ = alphabet[buffer >> (bits - 6) & 63];
  }
  if (bits > 0)
    *out = alphabet[buffer << (6 - bits) & 63];
}

// Either all of the padding is there or nothing of it.
std::string_view without_padding(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0)
    return text;
  if (text.ends_with("=="))
    return text.substr(0, text.size() - 2);
  return text.ends_with('=') ? text.substr(0, text.size() - 1) : text;
}

// Of unpadded text; nullopt: no text has this length.
std::optional<std::size_t> decoded_size(std::size_t characters) {
  if (characters % 4 == 1)
    return std::nullopt;
  return characters / 4 * 3 + (characters % 4 == 0 ? 0 : characters % 4 - 1);
}

// Unpadded text into decoded_size() bytes. False: another character, or unused bits that are not zero.
bool decode(std::string_view text, const digit_table& digits, unsigned char* out) {
  std::uint32_t buffer = 0;
  int bits = 0;
  for (unsigned char c : text) {
    auto digit = digits[c];
    if (digit == no_digit)
      return false;
    buffer = buffer << 6 | digit;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      *out++ = static_cast<unsigned char>(buffer >> bits);
    }
  }
  return (buffer & ((1U << bits) - 1)) == 0;
}

std::optional<bytes> decoded(std::string_view text, const digit_table& digits) {
  auto size = decoded_size(text.size());
  if (!size)
    return std::nullopt;
  bytes out(*size);
  if (!decode(text, digits, out.data()))
    return std::nullopt;
  return out;
}

} // namespace

std::string to_base64(byte_view data) {
  std::string out(padded_size(data.size()), '=');
  encode(data, standard, out.data());
  return out;
}

sensitive_text to_base64(const secret& key) {
  sensitive_text out;
  out.resize(padded_size(key.size()));
  std::fill(out.data(), out.data() + out.size(), '=');
  encode(key.view(), standard, out.data());
  return out;
}

std::optional<bytes> from_base64(std::string_view text) { return decoded(without_padding(text), standard_digits); }

std::optional<secret> secret_from_base64(std::string_view text) {
  text = without_padding(text);
  auto size = decoded_size(text.size());
  auto out = size ? secret::make(*size) : std::nullopt;
  if (!out || !decode(text, standard_digits, out->data()))
    return std::nullopt;
  return out;
}

std::string to_base64url(byte_view data) {
  std::string out(unpadded_size(data.size()), '\0');
  encode(data, url, out.data());
  return out;
}

std::optional<bytes> from_base64url(std::string_view text) { return decoded(text, url_digits); }

std::string to_hex(byte_view data) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(data.size() * 2);
  for (auto byte : data) {
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

} // namespace mana::crypto
