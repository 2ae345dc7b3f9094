#include "actors/record_reader/record_reader_actor.hpp"

#include "actors/change_log/change_rows.hpp"

namespace mana {

namespace {

using reader_batcher = job_batcher<read_records, records_read>;

// The record that `owner` points to; empty when there is none.
std::string linked_text(const merged_record& owner, const record_link& link, linked_history& history) {
  auto* field = owner.fields().find(link.field);
  auto* id = field == nullptr ? nullptr : field->as_string();
  auto target = id == nullptr ? history.targets.end() : history.targets.find(*id);
  if (target == history.targets.end())
    return {};
  auto record = fold(*id, {}, std::move(target->second));
  return record.exists() && !record.hidden() ? json::to_text(json::value{record.fields()}) : std::string{};
}

std::optional<record_text> merged_text(const record_ref& ref, const record_link* link, linked_history history) {
  auto record = fold(ref.id, {}, std::move(history.own));
  if (!record.exists() || record.hidden())
    return std::nullopt;
  record_text out{ref, json::to_text(json::value{record.fields()}), {}};
  if (link != nullptr)
    out.linked = linked_text(record, *link, history);
  return out;
}

std::vector<record_link> all_links(const std::vector<read_records>& requests) {
  std::vector<record_link> out;
  for (auto& r : requests)
    for (auto& link : r.links)
      if (find_link(out, link.table) == nullptr)
        out.push_back(link);
  return out;
}

reader_batcher::replies read_all(pg::connection& db, const std::vector<read_records>& requests) {
  std::vector<history_key> keys;
  for (auto& r : requests)
    for (auto& ref : r.refs)
      keys.push_back({r.user, ref});
  // One statement is a transaction of its own: no round trips for BEGIN and COMMIT.
  pqxx::nontransaction tx{db.raw()};
  auto histories = read_linked_histories(tx, keys, all_links(requests));
  reader_batcher::replies out;
  std::size_t i = 0;
  for (auto& r : requests) {
    records_read answer;
    for (auto& ref : r.refs)
      if (auto record = merged_text(ref, find_link(r.links, ref.table), std::move(histories[i++])))
        answer.records.push_back(std::move(*record));
    out.emplace_back(std::move(answer));
  }
  return out;
}

} // namespace

record_reader::record_reader(caf::actor_config& cfg, database_actor database)
  : record_reader_actor::base(cfg), batcher_(this, std::move(database), {"read_records", 100, 2}, read_all) {
  set_default_handler(caf::drop);
}

record_reader::behavior_type record_reader::make_behavior() {
  return {
      [this](read_records& r) -> caf::result<records_read> {
        auto promise = make_response_promise<records_read>();
        batcher_.add(std::move(r), promise);
        return promise;
      },
  };
}

} // namespace mana
