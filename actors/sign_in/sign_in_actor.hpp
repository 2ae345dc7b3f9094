// sign_in: the actor behind messages/sign_in.hpp. It keeps nothing itself: limits and sessions are in
// the database, where all replicas share them, and passwords are hashed by password_hasher.
//
//   log in    count the attempt → hash → take the attempt back and open a session → sign a token
//   refresh   replace the refresh token → sign a token
// The database knows SHA-256 of refresh tokens only; they are 32 random bytes, so that suffices.
#pragma once

#include "actors/sign_in/sign_in_queries.hpp"
#include "infra/crypto/signing_keys.hpp"
#include "messages/database.hpp"
#include "messages/sign_in.hpp"

#include <chrono>
#include <functional>
#include <string>

namespace mana {

struct sign_in_config {
  std::string issuer;
  std::string audience;
  std::chrono::milliseconds token_ttl{900'000};
  std::chrono::milliseconds session_ttl{2'592'000'000};
  // How long a refresh token that was just replaced is still good: two tabs may refresh at once.
  std::chrono::milliseconds rotation_grace{10'000};
};

struct sign_in_deps {
  database_actor database;
  password_hasher_actor hasher;
  std::function<timestamp()> now;
  // A refresh token came back after it had been replaced: it, or its successor, was stolen.
  std::function<void(const user_id&)> token_reused;
};

class sign_in : public sign_in_actor::base {
public:
  sign_in(caf::actor_config& cfg, sign_in_config config, crypto::signing_key key, sign_in_deps deps);

  const char* name() const override { return "sign_in"; }
  void on_exit() override;

protected:
  behavior_type make_behavior() override;

private:
  using session_promise = caf::typed_response_promise<session_tokens>;
  using registration_promise = caf::typed_response_promise<registered_user>;

  caf::result<registered_user> begin(register_user& asked);
  void store(std::string name, std::string password_hash, registration_promise promise);
  caf::result<session_tokens> begin(log_in& asked);
  void judge(const sign_in_attempt& attempt, shared_password password, session_promise promise);
  void open(std::int64_t attempt, user_id user, session_promise promise);
  caf::result<session_tokens> refresh(const std::string& token);
  void rotated(const rotated_session& r, std::string next, session_promise promise);
  caf::result<logged_out> end(const std::string& token);
  void deliver_tokens(user_id user, std::string refresh_token, session_promise promise);

  // Runs `work` in the database and then `next` with its value; errors go to the promise.
  template <class Value, class Promise, class Work, class Next>
  void in_database(const char* name, Promise promise, Work work, Next next);

  sign_in_config config_;
  crypto::signing_key key_;
  sign_in_deps deps_;
};

} // namespace mana
