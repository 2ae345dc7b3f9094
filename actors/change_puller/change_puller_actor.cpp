#include "actors/change_puller/change_puller_actor.hpp"

#include "actors/change_puller/pull_queries.hpp"
#include "actors/database/ask_database.hpp"

namespace mana {

change_puller::change_puller(caf::actor_config& cfg, database_actor database)
  : change_puller_actor::base(cfg), database_(std::move(database)) {
  set_default_handler(caf::drop);
}

change_puller::behavior_type change_puller::make_behavior() {
  return {[this](pull_changes& what) -> caf::result<change_page> {
    if (what.user.value.empty())
      return to_caf({errc::unauthorized, "a change log belongs to a user"});
    auto from = parse_since(what.since, scope_of(what.user.value, what.app));
    if (!from)
      return to_caf(std::move(from).error());
    return answer_from_database<change_page>(
        this, database_, "pull_changes",
        [what = std::move(what), from = std::move(*from)](pg::connection& db) { return read_page(db, what, from); });
  }};
}

} // namespace mana
