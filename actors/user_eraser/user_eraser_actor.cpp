#include "actors/user_eraser/user_eraser_actor.hpp"

#include "actors/database/ask_database.hpp"

namespace mana {

user_erased erase_rows_of(pg::connection& db, const user_id& user) {
  auto row = db.exec("SELECT missions, queued_changes, audit_rows FROM mana_ai.erase_user($1)", user.value)[0];
  return {row[0].as<std::int64_t>(), row[1].as<std::int64_t>(), row[2].as<std::int64_t>()};
}

user_eraser::user_eraser(caf::actor_config& cfg, database_actor database)
  : user_eraser_actor::base(cfg), database_(std::move(database)) {
  set_default_handler(caf::drop);
}

user_eraser::behavior_type user_eraser::make_behavior() {
  return {
      [this](const erase_user& e) -> caf::result<user_erased> {
        if (e.user.value.empty())
          return to_caf({errc::bad_request, "id: must not be empty"});
        return answer_from_database<user_erased>(this, database_, "erase_user",
                                                 [u = e.user](pg::connection& db) { return erase_rows_of(db, u); });
      },
  };
}

} // namespace mana
