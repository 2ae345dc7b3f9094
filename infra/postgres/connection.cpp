#include "infra/postgres/connection.hpp"

#include <algorithm>

namespace mana::pg {

namespace {

// Limits for a peer that is gone without a word; a blocked libpq call cannot be interrupted.
constexpr std::pair<const char*, const char*> connection_limits[] = {
    {"connect_timeout", "5"},  {"keepalives_idle", "15"},     {"keepalives_interval", "5"},
    {"keepalives_count", "3"}, {"tcp_user_timeout", "20000"}, {"application_name", "mana-ai"},
};

std::string with_limits(std::string url) {
  auto is_uri = url.starts_with("postgres://") || url.starts_with("postgresql://");
  for (auto [key, value] : connection_limits) {
    if (url.find(std::string{key} + "=") != std::string::npos)
      continue;
    if (is_uri)
      url += url.find('?') == std::string::npos ? '?' : '&';
    else
      url += ' ';
    url += std::string{key} + '=' + value;
  }
  return url;
}

std::string first_line(std::string_view text) {
  text = text.substr(0, std::min(text.find('\n'), text.size()));
  return std::string{text.substr(0, 300)};
}

bool refuses_writes(const std::string& state) { return state == "25006"; }

// Insufficient resources (disk, memory, connections) and errors of the server's disk.
bool has_no_room(const std::string& state) { return state.starts_with("53") || state == "58030"; }

// Shut down, terminated, idle for too long, or its connection broke.
bool ends_the_session(const std::string& state) {
  return state.starts_with("57P") || state.starts_with("08") || state == "25P03";
}

failure from_sql_state(const pqxx::sql_error& e) {
  const std::string& state = e.sqlstate();
  auto text = first_line(e.what());
  if (state == "57014" || state == "55P03") // query_canceled, lock_not_available
    return {errc::database_timeout, text};
  if (ends_the_session(state) || has_no_room(state))
    return {errc::database_unavailable, text};
  if (refuses_writes(state))
    return {errc::database_read_only, text};
  if (state.starts_with("40"))
    return {errc::database_conflict, text};
  return {errc::database_refused, text};
}

} // namespace

connection::connection(const std::string& url) : raw_(std::make_unique<pqxx::connection>(with_limits(url))) {}

failure failure_of(const std::exception& e) {
  // The order matters: in 6.4 in_doubt_error and broken_connection are both pqxx::failure.
  if (dynamic_cast<const pqxx::in_doubt_error*>(&e) != nullptr)
    return {errc::commit_in_doubt, first_line(e.what())};
  if (dynamic_cast<const pqxx::broken_connection*>(&e) != nullptr)
    return {errc::database_unavailable, first_line(e.what())};
  // 40001 and 40P01; in 6.4 no sql_error.
  if (dynamic_cast<const pqxx::serialization_failure*>(&e) != nullptr
      || dynamic_cast<const pqxx::deadlock_detected*>(&e) != nullptr)
    return {errc::database_conflict, first_line(e.what())};
  if (auto* s = dynamic_cast<const pqxx::sql_error*>(&e))
    return from_sql_state(*s);
  return {errc::internal, first_line(e.what())};
}

void text_array::separate() {
  if (literal_.size() > 1)
    literal_ += ',';
}

void text_array::add(std::string_view element) {
  separate();
  literal_ += '"';
  for (char c : element) {
    if (c == '"' || c == '\\')
      literal_ += '\\';
    literal_ += c;
  }
  literal_ += '"';
}

void text_array::add_null() {
  separate();
  literal_ += "NULL";
}

void bigint_array::append(std::string_view text) {
  if (literal_.size() > 1)
    literal_ += ',';
  literal_ += text;
}

} // namespace mana::pg
