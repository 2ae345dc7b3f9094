#include "actors/grant_issuer/grant_rules.hpp"

#include <algorithm>

namespace mana {

namespace {

constexpr std::size_t max_table_bytes = 64;

bool has_control_character(std::string_view s) {
  return std::any_of(s.begin(), s.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

bool is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

bool is_table_name(std::string_view s) {
  auto allowed = [](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-'; };
  return !s.empty() && s.size() <= max_table_bytes && is_letter(s.front()) && std::all_of(s.begin(), s.end(), allowed);
}

void sort_and_unify(std::vector<std::string>& list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

failure wrong(const std::string& field, const std::string& what) { return {errc::bad_request, field + ": " + what}; }

std::string place(const char* list, std::size_t i) { return std::string{list} + '[' + std::to_string(i) + ']'; }

std::optional<failure> check_mission(const std::string& id) {
  if (!is_mission_id(id))
    return wrong("missionId",
                 "must have 1 to " + std::to_string(max_mission_id_bytes) + " bytes and no control characters");
  return std::nullopt;
}

std::optional<failure> check_tables(const std::vector<std::string>& tables) {
  for (std::size_t i = 0; i < tables.size(); ++i)
    if (!is_table_name(tables[i]))
      return wrong(place("tables", i), "must be a table's name");
  return std::nullopt;
}

// `tables` is sorted.
std::optional<failure> check_records(const std::vector<std::string>& ids, const std::vector<std::string>& tables) {
  for (std::size_t i = 0; i < ids.size(); ++i) {
    auto colon = ids[i].find(':');
    auto size = colon == std::string::npos ? 0 : ids[i].size() - colon - 1;
    if (size == 0 || size > max_record_id_bytes || has_control_character(ids[i]))
      return wrong(place("recordIds", i), "must be <table>:<id> with 1 to " + std::to_string(max_record_id_bytes)
                                              + " bytes of id and no control characters");
    if (!std::binary_search(tables.begin(), tables.end(), ids[i].substr(0, colon)))
      return wrong(place("recordIds", i), "its table is not in tables");
  }
  return std::nullopt;
}

std::optional<failure> check_count(const char* field, std::size_t count, std::size_t max) {
  if (count >= 1 && count <= max)
    return std::nullopt;
  return wrong(field, "must have 1 to " + std::to_string(max) + " entries");
}

} // namespace

bool is_mission_id(std::string_view id) {
  return !id.empty() && id.size() <= max_mission_id_bytes && !has_control_character(id);
}

std::chrono::milliseconds clamped_ttl(std::chrono::milliseconds asked) {
  return std::clamp(asked, min_grant_ttl, max_grant_ttl);
}

result<crypto::grant_scope> checked_scope(const issue_mission_grant& asked) {
  crypto::grant_scope scope{asked.mission.value, asked.tables, asked.record_ids};
  if (auto f = check_mission(scope.mission_id))
    return *f;
  if (auto f = check_tables(scope.tables))
    return *f;
  sort_and_unify(scope.tables);
  if (auto f = check_count("tables", scope.tables.size(), max_grant_tables))
    return *f;
  if (auto f = check_records(scope.record_ids, scope.tables))
    return *f;
  sort_and_unify(scope.record_ids);
  if (auto f = check_count("recordIds", scope.record_ids.size(), crypto::max_grant_records))
    return *f;
  return scope;
}

} // namespace mana
