#include "http/server/bearer.hpp"

#include "infra/io/ask.hpp"

#include <algorithm>

// g++ 12 inlines only the allocating half of Boost's coroutine frames and then sees a mismatch.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

namespace mana::http {

using boost::asio::awaitable;

namespace {

constexpr std::string_view scheme = "bearer ";

failure refused(const char* why) { return {errc::unauthorized, why}; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// b64token of RFC 6750, which a list of repeated headers never is.
bool is_token(std::string_view s) {
  auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
           || std::string_view{"-._~+/="}.find(c) != std::string_view::npos;
  };
  return !s.empty() && std::all_of(s.begin(), s.end(), allowed);
}

using shared_set = std::shared_ptr<const jwt::key_set>;

awaitable<result<crypto::ed25519_public>> find_own(shared_set keys, std::string kid) {
  if (auto* key = keys->find(kid))
    co_return *key;
  co_return refused("the token's key is not known");
}

awaitable<result<crypto::ed25519_public>> find_at_issuer(caf::actor_system* system, token_keys_actor keys,
                                                         std::string kid) {
  find_token_key question{std::move(kid)};
  auto found = co_await ask<token_key>(*system, std::move(keys), caf::infinite, question);
  if (found)
    co_return found->ed25519;
  if (found.error().code == errc::unauthorized)
    co_return found.error();
  co_return refused("the keys of the tokens' issuer cannot be fetched");
}

awaitable<result<crypto::ed25519_public>> find_first(token_key_source a, token_key_source b, std::string kid) {
  auto found = co_await a(kid);
  if (found)
    co_return found;
  co_return co_await b(std::move(kid));
}

awaitable<result<crypto::ed25519_public>> find_none(failure why) { co_return why; }

struct checker {
  token_key_source keys;
  jwt::expectations expected;
  std::function<timestamp()> now;
};

awaitable<result<user_id>> refuse(failure why) { co_return why; }

awaitable<result<jwt::claims>> check_claims(std::shared_ptr<const checker> c, jwt::unverified_token token) {
  auto key = co_await c->keys(token.kid);
  if (!key)
    co_return key.error();
  co_return jwt::verify(token, *key, c->expected, c->now());
}

awaitable<result<jwt::claims>> check_text(std::shared_ptr<const checker> c, std::string text) {
  auto token = jwt::parse(text);
  if (!token)
    co_return token.error();
  co_return co_await check_claims(c, std::move(*token));
}

awaitable<result<user_id>> check(std::shared_ptr<const checker> c, jwt::unverified_token token) {
  auto claims = co_await check_claims(c, std::move(token));
  if (!claims)
    co_return claims.error();
  co_return user_id{std::move(claims->subject)};
}

} // namespace

result<std::string_view> bearer_token(const request& req) {
  auto header = req.headers.find("authorization");
  if (header == req.headers.end())
    return refused("the header Authorization: Bearer <token> is missing");
  std::string_view text = header->second;
  bool is_bearer = text.size() > scheme.size()
                   && std::equal(scheme.begin(), scheme.end(), text.begin(),
                                 [](char expected, char c) { return expected == lower(c); });
  text.remove_prefix(std::min(text.size(), scheme.size()));
  if (!is_bearer || !is_token(text))
    return refused("the header Authorization is not of the form Bearer <token>");
  return text;
}

token_key_source own_keys(jwt::key_set keys) {
  auto shared = std::make_shared<const jwt::key_set>(std::move(keys));
  return [shared](std::string kid) { return find_own(shared, std::move(kid)); };
}

token_key_source issuer_keys(caf::actor_system& system, std::function<token_keys_actor()> keys) {
  return [&system, keys = std::move(keys)](std::string kid) { return find_at_issuer(&system, keys(), std::move(kid)); };
}

token_key_source first_of(token_key_source a, token_key_source b) {
  return [a = std::move(a), b = std::move(b)](std::string kid) { return find_first(a, b, std::move(kid)); };
}

token_key_source no_keys(std::string why) {
  return [why = std::move(why)](const std::string&) { return find_none({errc::unauthorized, why}); };
}

token_check claims_check(token_key_source keys, jwt::expectations expected, std::function<timestamp()> now) {
  auto c = std::make_shared<const checker>(checker{std::move(keys), std::move(expected), std::move(now)});
  return [c](std::string token) { return check_text(c, std::move(token)); };
}

identity_check bearer_check(token_key_source keys, jwt::expectations expected, std::function<timestamp()> now) {
  auto c = std::make_shared<const checker>(checker{std::move(keys), std::move(expected), std::move(now)});
  // No coroutine: the request is read here, before anything waits.
  return [c](const request& req) -> awaitable<result<user_id>> {
    auto text = bearer_token(req);
    if (!text)
      return refuse(text.error());
    auto token = jwt::parse(*text);
    if (!token)
      return refuse(token.error());
    return check(c, std::move(*token));
  };
}

} // namespace mana::http
