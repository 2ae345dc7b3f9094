#include "actors/sign_in/sign_in_actor.hpp"

#include "actors/sign_in/credentials.hpp"
#include "infra/crypto/base64.hpp"
#include "infra/jwt/token.hpp"
#include "messages/retry_after.hpp"

#include <array>

namespace mana {

namespace {

constexpr std::size_t refresh_token_bytes = 32;

std::optional<std::string> fresh_refresh_token() {
  std::array<unsigned char, refresh_token_bytes> bytes{};
  if (!crypto::random_bytes(bytes.data(), bytes.size()))
    return std::nullopt;
  return crypto::to_base64url(bytes);
}

// nullopt: not the form of our tokens.
std::optional<crypto::digest> token_hash(const std::string& token) {
  auto bytes = crypto::from_base64url(token);
  if (!bytes || bytes->size() != refresh_token_bytes)
    return std::nullopt;
  return crypto::sha256(*bytes);
}

failure wait_first(std::chrono::milliseconds pause) {
  return rate_limited_for(std::chrono::ceil<std::chrono::seconds>(pause));
}

failure no_randomness() { return {errc::internal, "no randomness for a refresh token"}; }

failure not_signed_in() { return {errc::unauthorized, "the session has ended; sign in again"}; }

} // namespace

sign_in::sign_in(caf::actor_config& cfg, sign_in_config config, crypto::signing_key key, sign_in_deps deps)
  : sign_in_actor::base(cfg), config_(std::move(config)), key_(std::move(key)), deps_(std::move(deps)) {
  set_default_handler(caf::drop);
}

void sign_in::on_exit() {
  deps_.database = nullptr;
  deps_.hasher = nullptr;
}

sign_in::behavior_type sign_in::make_behavior() {
  return {
      [this](register_user& asked) { return begin(asked); },
      [this](log_in& asked) { return begin(asked); },
      [this](const refresh_session& asked) { return refresh(asked.refresh_token); },
      [this](const log_out& asked) { return end(asked.refresh_token); },
  };
}

template <class Value, class Promise, class Work, class Next>
void sign_in::in_database(const char* name, Promise promise, Work work, Next next) {
  database_job job{name, [work = std::move(work)](pg::connection& db) -> std::any { return Value{work(db)}; }};
  // The pool always answers, within the limits of its connections.
  request(deps_.database, caf::infinite, std::move(job))
      .then([next = std::move(next)](database_answer& a) mutable { next(a.as<Value>()); },
            [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
}

// -- register ---------------------------------------------------------------------------------------

caf::result<registered_user> sign_in::begin(register_user& asked) {
  auto name = checked_name(asked.name);
  if (!name)
    return to_caf(std::move(name).error());
  if (auto wrong = wrong_password_form(asked.password->view()))
    return to_caf(std::move(*wrong));
  auto promise = make_response_promise<registered_user>();
  auto count = [address = limited_address(asked.address)](pg::connection& db) {
    return begin_sign_in(db, std::nullopt, address);
  };
  auto hash = [this, promise, name = std::move(*name), password = asked.password](sign_in_attempt& attempt) mutable {
    if (attempt.retry_after) {
      promise.deliver(to_caf(wait_first(*attempt.retry_after)));
      return;
    }
    request(deps_.hasher, caf::infinite, hash_password{std::move(password)})
        .then([this, promise, name](hashed_password& h) { store(name, std::move(h.encoded), promise); },
              [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
  };
  in_database<sign_in_attempt>("begin_registration", promise, std::move(count), std::move(hash));
  return promise;
}

void sign_in::store(std::string name, std::string password_hash, registration_promise promise) {
  auto insert = [name = std::move(name), password_hash = std::move(password_hash)](pg::connection& db) {
    return insert_user(db, name, password_hash);
  };
  auto answer = [promise](std::optional<user_id>& user) mutable {
    if (user)
      promise.deliver(registered_user{std::move(*user)});
    else
      promise.deliver(to_caf({errc::name_taken, "the name is in use"}));
  };
  in_database<std::optional<user_id>>("register_user", promise, std::move(insert), std::move(answer));
}

// -- log in -----------------------------------------------------------------------------------------

caf::result<session_tokens> sign_in::begin(log_in& asked) {
  auto name = checked_name(asked.name);
  if (!name)
    return to_caf(std::move(name).error());
  if (auto wrong = wrong_password_form(asked.password->view()))
    return to_caf(std::move(*wrong));
  auto promise = make_response_promise<session_tokens>();
  auto count = [name = std::move(*name), address = limited_address(asked.address)](pg::connection& db) {
    return begin_sign_in(db, name, address);
  };
  auto next = [this, promise, password = asked.password](sign_in_attempt& attempt) {
    judge(attempt, password, promise);
  };
  in_database<sign_in_attempt>("begin_sign_in", promise, std::move(count), std::move(next));
  return promise;
}

// The attempt stays counted when the password is wrong, and also when it could not be checked.
void sign_in::judge(const sign_in_attempt& attempt, shared_password password, session_promise promise) {
  if (attempt.retry_after) {
    promise.deliver(to_caf(wait_first(*attempt.retry_after)));
    return;
  }
  request(deps_.hasher, caf::infinite, check_password{std::move(password), attempt.password_hash})
      .then(
          [this, promise, attempt](password_verdict v) mutable {
            if (v.right && attempt.user)
              open(attempt.id, *attempt.user, promise);
            else
              promise.deliver(to_caf({errc::unauthorized, "name or password is wrong"}));
          },
          [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
}

void sign_in::open(std::int64_t attempt, user_id user, session_promise promise) {
  auto token = fresh_refresh_token();
  if (!token) {
    promise.deliver(to_caf(no_randomness()));
    return;
  }
  auto insert = [attempt, user, hash = *token_hash(*token), ttl = config_.session_ttl](pg::connection& db) {
    open_session(db, attempt, user, hash, ttl);
    return true;
  };
  auto answer = [this, promise, user, token = *token](bool) { deliver_tokens(user, token, promise); };
  in_database<bool>("open_session", promise, std::move(insert), std::move(answer));
}

// -- sessions ---------------------------------------------------------------------------------------

caf::result<session_tokens> sign_in::refresh(const std::string& token) {
  auto hash = token_hash(token);
  if (!hash)
    return to_caf(not_signed_in());
  auto next = fresh_refresh_token();
  if (!next)
    return to_caf(no_randomness());
  auto promise = make_response_promise<session_tokens>();
  auto rotate = [hash = *hash, next_hash = *token_hash(*next), ttl = config_.session_ttl,
                 grace = config_.rotation_grace](pg::connection& db) {
    return rotate_refresh_token(db, hash, next_hash, ttl, grace);
  };
  auto answer = [this, promise, next = *next](rotated_session& r) { rotated(r, next, promise); };
  in_database<rotated_session>("rotate_refresh_token", promise, std::move(rotate), std::move(answer));
  return promise;
}

void sign_in::rotated(const rotated_session& r, std::string next, session_promise promise) {
  if (r.outcome == rotation::rotated && r.user)
    return deliver_tokens(*r.user, std::move(next), promise);
  if (r.outcome == rotation::reused && r.user && deps_.token_reused)
    deps_.token_reused(*r.user);
  promise.deliver(to_caf(not_signed_in()));
}

caf::result<logged_out> sign_in::end(const std::string& token) {
  auto hash = token_hash(token);
  if (!hash)
    return logged_out{};
  auto promise = make_response_promise<logged_out>();
  auto revoke = [hash = *hash](pg::connection& db) {
    end_session(db, hash);
    return true;
  };
  in_database<bool>("end_session", promise, std::move(revoke),
                    [promise](bool) mutable { promise.deliver(logged_out{}); });
  return promise;
}

void sign_in::deliver_tokens(user_id user, std::string refresh_token, session_promise promise) {
  auto now = deps_.now();
  auto expires_at = now + config_.token_ttl;
  auto token = jwt::sign(key_, {user.value, config_.issuer, config_.audience, now, expires_at});
  if (!token) {
    promise.deliver(to_caf(std::move(token).error()));
    return;
  }
  // The claim is in whole seconds.
  auto told = std::chrono::floor<std::chrono::seconds>(expires_at);
  promise.deliver(session_tokens{std::move(user), std::move(*token), told, std::move(refresh_token)});
}

} // namespace mana
