// From the body of a push to rows of the change log, or to what is wrong with it. Nothing gets into the
// log that another reader of it could not take: names and ids have limits, time stamps the one form that
// compares byte-wise, and nothing is stored that PostgreSQL's jsonb refuses.
#pragma once

#include "infra/json/value.hpp"
#include "messages/result.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace mana {

inline constexpr std::size_t max_changes = 1000;
inline constexpr std::size_t max_id_bytes = 200;  // of records, missions, iterations
inline constexpr std::size_t max_name_bytes = 64; // of apps, tables
inline constexpr std::size_t max_client_id_bytes = 100;
inline constexpr std::size_t max_path_bytes = 200; // of a field
inline constexpr std::size_t max_rationale_bytes = 8 * 1024;
inline constexpr std::size_t max_actor_bytes = 16 * 1024;

// One change as the log holds it (contract, section 1).
struct pushed_row {
  std::string event_id; // UUID
  std::string table;
  std::string record;
  std::string op;
  std::string data;       // JSON object
  std::string timestamps; // JSON object
  std::string actor;      // JSON object; empty: NULL
};

struct push_request {
  std::string client_id;
  std::string since;
  int schema_version = 1;
  std::vector<pushed_row> rows; // in the request's order
};

// Letters, digits, `_`, `-` and `.`: of apps and tables.
bool is_log_name(std::string_view name) noexcept;
// Not empty, without control characters.
bool is_log_id(std::string_view id, std::size_t max_bytes) noexcept;

// `new_id` gives an event id to a change that has none. bad_request names what is wrong, like
// `changes[3].fields.title.updatedAt`; limit_exceeded: too many changes.
result<push_request> parse_push(std::string_view body, const std::function<std::string()>& new_id);

} // namespace mana
