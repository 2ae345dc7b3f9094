#include "actors/change_pusher/change_pusher_actor.hpp"

#include "actors/change_puller/pull_queries.hpp"
#include "actors/change_pusher/push_queries.hpp"
#include "actors/database/ask_database.hpp"
#include "infra/crypto/random_uuid.hpp"

namespace mana {

namespace {

struct push_job {
  push_request request;
  pull_changes then;
  starting_point from;
};

changes_pushed run(pg::connection& db, const push_job& job) {
  changes_pushed out;
  out.stored = append_rows(db, job.then.user, job.then.app, job.request);
  out.repeated = job.request.rows.size() - out.stored;
  out.page = read_page(db, job.then, job.from);
  return out;
}

} // namespace

change_pusher::change_pusher(caf::actor_config& cfg, database_actor database, change_pusher_observer observer)
  : change_pusher_actor::base(cfg), database_(std::move(database)), observer_(std::move(observer)) {
  set_default_handler(caf::drop);
}

change_pusher::behavior_type change_pusher::make_behavior() {
  return {[this](const push_changes& what) { return push(what); }};
}

caf::result<changes_pushed> change_pusher::push(const push_changes& what) {
  if (what.user.value.empty())
    return to_caf({errc::unauthorized, "a change log belongs to a user"});
  auto request = parse_push(*what.body, random_uuid);
  if (!request)
    return to_caf(std::move(request).error());
  auto from = parse_since(request->since, scope_of(what.user.value, what.app));
  if (!from)
    return to_caf(std::move(from).error());
  auto job = std::make_shared<push_job>();
  job->request = std::move(*request);
  job->then = {what.user, what.app, {}, {}, default_page_rows};
  job->from = std::move(*from);
  return answer_from_database<changes_pushed>(
      this, database_, "push_changes",
      [job = std::shared_ptr<const push_job>{job}, observed = observer_.pushed](pg::connection& db) {
        auto out = run(db, *job);
        observed(out.stored, out.repeated);
        return out;
      });
}

} // namespace mana
