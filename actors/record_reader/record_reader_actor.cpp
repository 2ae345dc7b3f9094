#include "actors/record_reader/record_reader_actor.hpp"

#include "actors/change_log/change_rows.hpp"

namespace mana {

namespace {

using reader_batcher = job_batcher<read_records, records_read>;

reader_batcher::replies read_all(pg::connection& db, const std::vector<read_records>& requests) {
  std::vector<history_key> keys;
  for (auto& r : requests)
    for (auto& ref : r.refs)
      keys.push_back({r.user, ref});
  // One statement is a transaction of its own: no round trips for BEGIN and COMMIT.
  pqxx::nontransaction tx{db.raw()};
  auto histories = read_histories(tx, keys);
  reader_batcher::replies out;
  std::size_t i = 0;
  for (auto& r : requests) {
    records_read answer;
    for (auto& ref : r.refs) {
      auto record = fold(ref.id, {}, std::move(histories[i++]));
      if (record.exists() && !record.hidden())
        answer.records.push_back({ref, json::to_text(json::value{record.fields()})});
    }
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
