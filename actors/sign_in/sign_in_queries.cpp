#include "actors/sign_in/sign_in_queries.hpp"

#include "infra/crypto/base64.hpp"

#include <stdexcept>

namespace mana {

namespace {

std::string bytea(const crypto::digest& d) { return "\\x" + crypto::to_hex(d); }

rotation rotation_of(const std::string& name) {
  if (name == "rotated")
    return rotation::rotated;
  if (name == "unknown")
    return rotation::unknown;
  if (name == "ended")
    return rotation::ended;
  if (name == "reused")
    return rotation::reused;
  throw std::logic_error{"rotate_refresh_token: unknown outcome"};
}

std::optional<user_id> user_of(const pqxx::field& f) {
  auto text = pg::get<std::string>(f);
  return text ? std::optional{user_id{std::move(*text)}} : std::nullopt;
}

} // namespace

sign_in_attempt begin_sign_in(pg::connection& db, const std::optional<std::string>& name, const std::string& address) {
  auto rows = db.exec("SELECT retry_after_ms, attempt, user_id, password_hash"
                      " FROM mana_auth.begin_sign_in(nullif($1, ''), $2)",
                      name.value_or(""), address);
  auto row = rows[0];
  sign_in_attempt out;
  if (auto ms = pg::get<std::int64_t>(row[0])) {
    out.retry_after = std::chrono::milliseconds{*ms};
    return out;
  }
  out.id = row[1].as<std::int64_t>();
  out.user = user_of(row[2]);
  out.password_hash = pg::get<std::string>(row[3]);
  return out;
}

std::optional<user_id> insert_user(pg::connection& db, const std::string& name, const std::string& password_hash) {
  return user_of(db.exec("SELECT mana_auth.register_user($1, $2)", name, password_hash)[0][0]);
}

void open_session(pg::connection& db, std::int64_t attempt, const user_id& user, const crypto::digest& token,
                  std::chrono::milliseconds ttl) {
  db.exec("SELECT mana_auth.open_session($1, $2, $3::bytea, $4)", attempt, user.value, bytea(token),
          static_cast<std::int64_t>(ttl.count()));
}

rotated_session rotate_refresh_token(pg::connection& db, const crypto::digest& token, const crypto::digest& next,
                                     std::chrono::milliseconds ttl, std::chrono::milliseconds grace) {
  auto rows = db.exec("SELECT outcome, user_id"
                      " FROM mana_auth.rotate_refresh_token($1::bytea, $2::bytea, $3, $4)",
                      bytea(token), bytea(next), static_cast<std::int64_t>(ttl.count()),
                      static_cast<std::int64_t>(grace.count()));
  auto row = rows[0];
  return {rotation_of(row[0].as<std::string>()), user_of(row[1])};
}

void end_session(pg::connection& db, const crypto::digest& token) {
  db.exec("SELECT mana_auth.end_session($1::bytea)", bytea(token));
}

} // namespace mana
