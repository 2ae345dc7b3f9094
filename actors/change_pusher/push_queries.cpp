#include "actors/change_pusher/push_queries.hpp"

#include "infra/postgres/connection.hpp"

namespace mana {

namespace {

// Microseconds apart, so that the order of the batch is that of (created_at, id).
std::string insert_as(const std::string& id_and_event) {
  return "INSERT INTO public.sync_changes (id, event_id, app_id, table_name, record_id, user_id, op, data,"
         " field_timestamps, actor, client_id, schema_version, created_at) SELECT "
         + id_and_event
         + ", $2, g.table_name, g.record_id, $1, g.op, g.data::jsonb, g.stamps::jsonb, nullif(g.actor, '')::jsonb, $3,"
           " $4, now() + (g.n - 1) * interval '1 microsecond'"
           " FROM unnest($5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[])"
           " WITH ORDINALITY AS g (event_id, table_name, record_id, op, data, stamps, actor, n)"
           " WHERE NOT EXISTS (SELECT FROM public.sync_changes e WHERE e.user_id = $1 AND e.event_id = g.event_id)";
}

// The event's UUID is the row's.
const std::string insert_by_event = insert_as("g.event_id, NULL::uuid") + " ORDER BY g.n ON CONFLICT DO NOTHING";

// What could not be appended, and is no row of this user: a row of somebody else has that UUID. Its owner
// must neither see nor feel that, nor may this user: the event is remembered in a column of its own.
const std::string insert_beside =
    insert_as("gen_random_uuid(), g.event_id")
    + " AND NOT EXISTS (SELECT FROM public.sync_changes o WHERE o.id = g.event_id) ORDER BY g.n"
      " ON CONFLICT (user_id, event_id) WHERE event_id IS NOT NULL DO NOTHING";

// One array per column.
struct columns {
  explicit columns(const push_request& push) {
    for (auto& r : push.rows) {
      events.add(r.event_id);
      tables.add(r.table);
      records.add(r.record);
      ops.add(r.op);
      data.add(r.data);
      stamps.add(r.timestamps);
      actors.add(r.actor);
    }
  }
  pg::text_array events, tables, records, ops, data, stamps, actors;
};

} // namespace

std::size_t append_rows(pg::connection& db, const user_id& user, const std::string& app, const push_request& push) {
  if (push.rows.empty())
    return 0;
  columns c{push};
  pqxx::work tx{db.raw()};
  pg::connection::exec_in(tx, "SELECT set_config('app.current_user_id', $1, true)", user.value);
  auto insert = [&](const std::string& sql) {
    return static_cast<std::size_t>(pg::connection::exec_in(tx, sql, user.value, app, push.client_id,
                                                            push.schema_version, c.events.str(), c.tables.str(),
                                                            c.records.str(), c.ops.str(), c.data.str(), c.stamps.str(),
                                                            c.actors.str())
                                        .affected_rows());
  };
  auto appended = insert(insert_by_event);
  if (appended < push.rows.size())
    appended += insert(insert_beside);
  tx.commit();
  return appended;
}

} // namespace mana
