// Tokens and key sets from outside. The first byte chooses what the rest is: a token, a key set, or the
// header or payload of a token that is signed well, since no fuzzer guesses a signature.
#include "infra/jwt/key_set.hpp"
#include "infra/jwt/token.hpp"
#include "tests/fuzz/require.hpp"
#include "tests/unit/jwt/signed_token.hpp"

#include <cstdint>
#include <string_view>

using namespace mana;
using mana::fuzz::require;

namespace {

const timestamp now{std::chrono::milliseconds{1'800'000'000'000}};

const crypto::signing_key& own_key() {
  static const auto keys = crypto::parse_signing_keys(mana::testing::ed25519_pem());
  return keys->front();
}

result<jwt::claims> verified(std::string_view token) {
  static const jwt::expectations expected{{"https://issuer.test"}, "mana"};
  auto claims = jwt::verify(
      token, [](std::string_view) { return &own_key().public_key(); }, expected, now);
  require(claims || claims.error().code == errc::unauthorized);
  return claims;
}

void judge_token(std::string_view text) {
  require(!verified(text)); // nobody has signed it
}

void judge_payload(std::string_view text) {
  auto claims = verified(mana::testing::signed_token(own_key(), mana::testing::header_for(own_key()), text));
  require(!claims || (!claims->subject.empty() && claims->expires_at >= now));
}

void judge_header(std::string_view text) {
  static_cast<void>(verified(mana::testing::signed_token(own_key(), text, "{}")));
}

void read_key_set(std::string_view text) {
  auto set = jwt::key_set::parse(text);
  require(!set || set->size() <= jwt::max_keys);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  std::string_view text{reinterpret_cast<const char*>(data) + 1, size - 1};
  switch (data[0]) {
    case 'k': read_key_set(text); break;
    case 'p': judge_payload(text); break;
    case 'h': judge_header(text); break;
    default: judge_token(text);
  }
  return 0;
}
