#include "actors/change_log/change_rows.hpp"

#include <algorithm>

namespace mana {

namespace {

// A column that is null, or garbage beyond the parser's limits, counts as an empty map: one
// tenant's bad row must not stop the others' rows.
json::value parse_map(const pqxx::field& f) {
  if (f.is_null())
    return {};
  auto parsed = json::parse(pg::view(f));
  return parsed ? std::move(*parsed) : json::value{};
}

std::optional<change> read_change(const pqxx::row& row) {
  auto op = parse_change_op(pg::view(row["op"]));
  if (!op)
    return std::nullopt;
  change c;
  c.at = {row["created_us"].as<std::int64_t>(), row["id"].as<std::string>()};
  c.op = *op;
  c.data = parse_map(row["data"]);
  c.field_timestamps = parse_map(row["field_timestamps"]);
  return c;
}

} // namespace

std::vector<std::vector<change>> read_histories(pqxx::transaction_base& tx, const std::vector<history_key>& keys) {
  std::vector<std::vector<change>> out(keys.size());
  if (keys.empty())
    return out;
  pg::text_array users, apps, tables, records;
  for (auto& k : keys) {
    users.add(k.user.value);
    apps.add(k.ref.app);
    tables.add(k.ref.table);
    records.add(k.ref.id);
  }
  auto rows =
      pg::connection::exec_in(tx, "SELECT * FROM mana_ai.read_history($1::text[], $2::text[], $3::text[], $4::text[])",
                              users.str(), apps.str(), tables.str(), records.str());
  for (const auto& row : rows)
    if (auto c = read_change(row))
      out[row["ord"].as<std::size_t>() - 1].push_back(std::move(*c));
  return out;
}

const record_link* find_link(const std::vector<record_link>& links, std::string_view table) {
  auto i = std::find_if(links.begin(), links.end(), [&](auto& l) { return l.table == table; });
  return i == links.end() ? nullptr : &*i;
}

namespace {

struct key_columns {
  pg::text_array users, apps, tables, records, link_fields, link_apps, link_tables;

  void add(const history_key& k, const record_link* link) {
    users.add(k.user.value);
    apps.add(k.ref.app);
    tables.add(k.ref.table);
    records.add(k.ref.id);
    if (link == nullptr) {
      link_fields.add_null();
      link_apps.add_null();
      link_tables.add_null();
    } else {
      link_fields.add(link->field);
      link_apps.add(link->target_app);
      link_tables.add(link->target_table);
    }
  }
};

} // namespace

std::vector<linked_history> read_linked_histories(pqxx::transaction_base& tx, const std::vector<history_key>& keys,
                                                  const std::vector<record_link>& links) {
  std::vector<linked_history> out(keys.size());
  if (keys.empty())
    return out;
  key_columns k;
  for (auto& key : keys)
    k.add(key, find_link(links, key.ref.table));
  auto rows = pg::connection::exec_in(tx,
                                      "SELECT * FROM mana_ai.read_linked_history($1::text[], $2::text[], $3::text[],"
                                      " $4::text[], $5::text[], $6::text[], $7::text[])",
                                      k.users.str(), k.apps.str(), k.tables.str(), k.records.str(), k.link_fields.str(),
                                      k.link_apps.str(), k.link_tables.str());
  for (const auto& row : rows) {
    auto c = read_change(row);
    if (!c)
      continue;
    auto& history = out[row["ord"].as<std::size_t>() - 1];
    auto target = pg::get<std::string>(row["linked_id"]);
    (target ? history.targets[*target] : history.own).push_back(std::move(*c));
  }
  return out;
}

std::vector<std::optional<change>> read_named_changes(pqxx::transaction_base& tx, const std::vector<change_key>& keys) {
  std::vector<std::optional<change>> out(keys.size());
  if (keys.empty())
    return out;
  pg::text_array users, ids;
  for (auto& k : keys) {
    users.add(k.user.value);
    ids.add(k.id);
  }
  auto rows =
      pg::connection::exec_in(tx, "SELECT * FROM mana_ai.read_changes($1::text[], $2::uuid[])", users.str(), ids.str());
  for (const auto& row : rows)
    out[row["ord"].as<std::size_t>() - 1] = read_change(row);
  return out;
}

bool apply_in_place(merged_record& record, change_position& applied, std::vector<change> changes) {
  std::sort(changes.begin(), changes.end(), [](auto& a, auto& b) { return a.at < b.at; });
  for (auto& c : changes) {
    bool in_order = applied < c.at;
    if (in_order ? record.needs_history(c) : !record.commutes(c))
      return false;
    record.apply(c);
    applied = std::max(applied, c.at);
  }
  return true;
}

} // namespace mana
