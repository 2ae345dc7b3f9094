#include "actors/change_puller/pull_queries.hpp"

#include "infra/postgres/connection.hpp"

#include <algorithm>
#include <limits>
#include <vector>

namespace mana {

namespace {

constexpr auto nil_uuid = "00000000-0000-0000-0000-000000000000";
// How an infinite created_at, which the contract does not forbid, travels as microseconds.
constexpr auto before_all = std::numeric_limits<std::int64_t>::min();
constexpr auto after_all = std::numeric_limits<std::int64_t>::max();

// Taken before the page is read: what has ended by now, the page shows.
struct log_state {
  std::uint64_t horizon = 0;
  std::string era;
};

log_state begin_as(pqxx::transaction_base& tx, const user_id& user) {
  auto row = pg::connection::exec_in(tx,
                                     "SELECT set_config('app.current_user_id', $1, true),"
                                     " pg_snapshot_xmin(pg_current_snapshot())::text, system_identifier::text"
                                     " FROM pg_control_system()",
                                     user.value)[0];
  return {row[1].as<std::uint64_t>(), era_of(pg::view(row[2]))};
}

// A row as clients get it. Other programs may have put anything into the jsonb columns. The fields of a
// deletion are there for their stamps.
const std::string server_change = R"(
  (jsonb_build_object('eventId', coalesce(c.event_id, c.id), 'table', c.table_name, 'id', c.record_id, 'op', c.op,
     'clientId', c.client_id, 'schemaVersion', c.schema_version,
     'createdAt', to_char(c.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
   || CASE WHEN jsonb_typeof(c.actor) = 'object' THEN jsonb_build_object('actor', c.actor) ELSE '{}' END
   || CASE WHEN jsonb_typeof(c.data) IS DISTINCT FROM 'object' THEN '{}'
           WHEN c.op = 'insert' THEN jsonb_build_object('data', c.data)
           WHEN c.data = '{}' THEN '{}'
           ELSE jsonb_build_object('fields', (
             SELECT jsonb_object_agg(f.key, jsonb_build_object('value', f.value)
               || CASE WHEN jsonb_typeof(c.field_timestamps -> f.key) = 'string'
                       THEN jsonb_build_object('updatedAt', c.field_timestamps -> f.key) ELSE '{}' END)
             FROM jsonb_each(c.data) f)) END
   || CASE WHEN c.op = 'delete' AND jsonb_typeof(c.data -> 'deletedAt') = 'string'
           THEN jsonb_build_object('deletedAt', c.data -> 'deletedAt') ELSE '{}' END)::text)";

std::string time_of_parameter(const std::string& p) {
  return "CASE " + p + "::bigint WHEN " + std::to_string(after_all) + " THEN timestamptz 'infinity' WHEN '"
         + std::to_string(before_all) + "' THEN timestamptz '-infinity' ELSE timestamptz 'epoch' + " + p
         + "::bigint * interval '1 microsecond' END";
}

// $1 user, $2 app, $3 table or '', $4 $5 $6 the position, $7 earliest created_at, $8 rows, $9 bytes
const std::string next_rows =
    "SELECT p.transaction_id::text, CASE WHEN isfinite(p.created_at) THEN (extract(epoch FROM p.created_at) * "
    "1000000)::bigint WHEN p.created_at > timestamptz 'epoch' THEN "
    + std::to_string(after_all) + " ELSE '" + std::to_string(before_all)
    + "'::bigint END, p.id::text, p.content, p.available FROM ("
      " SELECT r.*, count(*) OVER () AS available, sum(octet_length(r.content)) OVER (ORDER BY r.transaction_id,"
      " r.created_at, r.id ROWS UNBOUNDED PRECEDING) - octet_length(r.content) AS bytes_before FROM ("
      "  SELECT c.transaction_id, c.created_at, c.id, "
    + server_change
    + " AS content FROM public.sync_changes c"
      "  WHERE c.user_id = $1 AND c.app_id = $2 AND ($3 = '' OR c.table_name = $3)"
      "  AND (c.transaction_id, c.created_at, c.id) > ($4::xid8, "
    + time_of_parameter("$5") + ", $6::uuid) AND c.created_at >= " + time_of_parameter("$7")
    + "  ORDER BY c.transaction_id, c.created_at, c.id LIMIT $8) r) p"
      " WHERE p.bytes_before < $9 ORDER BY p.transaction_id, p.created_at, p.id";

struct read_row {
  log_position at;
  std::string_view content; // views the result
};

// In the order in which they merge.
std::string json_array(std::vector<read_row>& rows) {
  std::sort(rows.begin(), rows.end(),
            [](auto& a, auto& b) { return std::tie(a.at.created_us, a.at.id) < std::tie(b.at.created_us, b.at.id); });
  std::size_t size = 2 + rows.size();
  for (auto& r : rows)
    size += r.content.size();
  std::string out = "[";
  out.reserve(size);
  for (auto& r : rows)
    (out += out.size() > 1 ? "," : "") += r.content;
  return out += "]";
}

} // namespace

change_page read_page(pg::connection& db, const pull_changes& what, const starting_point& from) {
  auto limit = std::clamp<std::size_t>(what.limit, 1, max_page_rows);
  pqxx::work tx{db.raw()};
  auto state = begin_as(tx, what.user);
  log_cursor begin{state.era, scope_of(what.user.value, what.app), {}, {}};
  if (from.cursor && from.cursor->era == state.era)
    begin = *from.cursor;
  auto& after = begin.position();
  auto found = pg::connection::exec_in(tx, next_rows, what.user.value, what.app, what.collection,
                                       std::to_string(after.transaction), after.created_us.value_or(before_all),
                                       after.created_us ? after.id : std::string{nil_uuid},
                                       from.from_us.value_or(before_all), limit + 1, max_page_bytes);
  tx.commit();
  std::vector<read_row> rows;
  for (const auto& r : found) {
    if (rows.size() == limit)
      break;
    rows.push_back({{r[0].as<std::uint64_t>(), r[1].as<std::int64_t>(), r[2].as<std::string>()}, pg::view(r[3])});
  }
  page_end end;
  if (!rows.empty()) {
    end.last = rows.back().at;
    end.has_more = found[0][4].as<std::size_t>() > rows.size();
  }
  change_page page;
  page.count = rows.size();
  page.rows = json_array(rows);
  page.has_more = end.has_more;
  page.synced_until = to_text(cursor_behind(begin, end, state.horizon));
  return page;
}

} // namespace mana
