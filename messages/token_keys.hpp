// token_keys: the public keys that verify users' tokens, by key id. The actor owns all deadlines of
// fetching them, so a requester waits without a timeout of its own.
#pragma once

#include "messages/caf_errors.hpp"

#include <caf/all.hpp>

#include <array>
#include <string>

namespace mana {

struct find_token_key {
  std::string kid;
};

struct token_key {
  std::array<unsigned char, 32> ed25519{};
};

using token_keys_actor = caf::typed_actor<
    // unauthorized: the issuer has no such key, or its keys cannot be fetched; the detail says which.
    // cancelled when the actor stops.
    caf::replies_to<find_token_key>::with<token_key>>;

} // namespace mana

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::find_token_key)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::token_key)
