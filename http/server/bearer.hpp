// The identity_check of routes under /api/v1/me: `Authorization: Bearer <JWT>` (RFC 6750).
#pragma once

#include "http/server/identity.hpp"
#include "infra/jwt/key_set.hpp"
#include "infra/jwt/token.hpp"
#include "messages/token_keys.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace mana::http {

// The key of a kid; unauthorized with the reason when there is none.
using token_key_source = std::function<boost::asio::awaitable<result<crypto::ed25519_public>>(std::string kid)>;

// The keys of this process.
token_key_source own_keys(jwt::key_set keys);
// Those of an issuer elsewhere. `keys` is called on the server's loop; an empty handle: the service is
// starting or stopping. `system` must outlive the loop's coroutines.
token_key_source issuer_keys(caf::actor_system& system, std::function<token_keys_actor()> keys);
// The first source's keys before the second's.
token_key_source first_of(token_key_source a, token_key_source b);
// No keys at all; every token is refused with `why`.
token_key_source no_keys(std::string why);

// Answers what a token says, for what carries it elsewhere than in a header.
using token_check = std::function<boost::asio::awaitable<result<jwt::claims>>(std::string token)>;
token_check claims_check(token_key_source keys, jwt::expectations expected, std::function<timestamp()> now);

// Answers the token's subject.
identity_check bearer_check(token_key_source keys, jwt::expectations expected, std::function<timestamp()> now);

// The token of `Bearer <token>`, one blank between; the scheme in any case. It views the request.
result<std::string_view> bearer_token(const request& req);

} // namespace mana::http
