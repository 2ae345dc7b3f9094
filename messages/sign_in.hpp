// sign_in: users of the standalone mode, by name and password, and their sessions: short access tokens
// and a refresh token that is replaced each time it is used.
#pragma once

#include "messages/ids.hpp"
#include "messages/password_hasher.hpp"
#include "messages/timestamp.hpp"

#include <caf/all.hpp>

#include <memory>
#include <string>

namespace mana {

// `address` is the client's: attempts are limited by it as well as by name.
struct register_user {
  std::string name;
  shared_password password;
  std::string address;
};
struct registered_user {
  user_id user;
};

struct log_in {
  std::string name;
  shared_password password;
  std::string address;
};

struct refresh_session {
  std::string refresh_token;
};

struct session_tokens {
  user_id user;
  std::string access_token; // JWT
  timestamp expires_at{};   // of the access token
  std::string refresh_token;
};

struct log_out {
  std::string refresh_token;
};
struct logged_out {};

// All: database_*; bad_request names the field.
using sign_in_actor = caf::typed_actor<
    // name_taken, rate_limited, overloaded.
    caf::replies_to<register_user>::with<registered_user>,
    // unauthorized: name or password is wrong; rate_limited, overloaded.
    caf::replies_to<log_in>::with<session_tokens>,
    // unauthorized: the token is unknown, expired, logged out, or used before; the last ends its session.
    caf::replies_to<refresh_session>::with<session_tokens>,
    // Ends the session; a token of none is no error.
    caf::replies_to<log_out>::with<logged_out>>;

} // namespace mana

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::register_user)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::registered_user)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::log_in)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::refresh_session)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::session_tokens)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::log_out)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::logged_out)
