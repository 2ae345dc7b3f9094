// The functions of migration mana_auth/002, typed. All throw libpqxx's exceptions: they run inside jobs.
#pragma once

#include "infra/crypto/primitives.hpp"
#include "infra/postgres/connection.hpp"
#include "messages/ids.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace mana {

// Either a wait, or an attempt that is counted; nobody may have the name.
struct sign_in_attempt {
  std::optional<std::chrono::milliseconds> retry_after;
  std::int64_t id = 0;
  std::optional<user_id> user;
  std::optional<std::string> password_hash;
};

// Without a name only the address is limited.
sign_in_attempt begin_sign_in(pg::connection& db, const std::optional<std::string>& name, const std::string& address);

// nullopt: the name is in use.
std::optional<user_id> insert_user(pg::connection& db, const std::string& name, const std::string& password_hash);

void open_session(pg::connection& db, std::int64_t attempt, const user_id& user, const crypto::digest& token,
                  std::chrono::milliseconds ttl);

enum class rotation : std::uint8_t { rotated, unknown, ended, reused };
struct rotated_session {
  rotation outcome = rotation::unknown;
  std::optional<user_id> user; // none of an unknown token
};
rotated_session rotate_refresh_token(pg::connection& db, const crypto::digest& token, const crypto::digest& next,
                                     std::chrono::milliseconds ttl, std::chrono::milliseconds grace);

void end_session(pg::connection& db, const crypto::digest& token);

} // namespace mana
