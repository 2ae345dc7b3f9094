// password_hasher: scrypt on threads of its own, few at once, behind a bounded queue.
#pragma once

#include "messages/caf_errors.hpp"
#include "messages/sensitive_text.hpp"

#include <caf/all.hpp>

#include <memory>
#include <optional>
#include <string>

namespace mana {

// Shared because messages are copied; cleansed with the last copy.
using shared_password = std::shared_ptr<const sensitive_text>;

struct hash_password {
  shared_password password;
};
struct hashed_password {
  std::string encoded;
};

struct check_password {
  shared_password password;
  std::optional<std::string> encoded; // none: nobody has the name; takes as long, and is never right
};
struct password_verdict {
  bool right = false;
};

using password_hasher_actor = caf::typed_actor<
    // Both: overloaded; internal.
    caf::replies_to<hash_password>::with<hashed_password>, caf::replies_to<check_password>::with<password_verdict>>;

} // namespace mana

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::hash_password)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::hashed_password)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::check_password)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::password_verdict)
