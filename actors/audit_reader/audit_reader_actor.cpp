#include "actors/audit_reader/audit_reader_actor.hpp"

#include "actors/audit_reader/audit_read_queries.hpp"
#include "actors/database/ask_database.hpp"

#include <algorithm>

namespace mana {

namespace {

struct checked_chunk {
  chain_check check;
  bool more = false;
};

} // namespace

audit_reader::audit_reader(caf::actor_config& cfg, database_actor database, audit_reader_config config)
  : audit_reader_actor::base(cfg), database_(std::move(database)), config_(config) {
  set_default_handler(caf::drop);
}

audit_reader::behavior_type audit_reader::make_behavior() {
  return {
      [this](list_audit& l) -> caf::result<audit_page> {
        l.limit = std::clamp<std::size_t>(l.limit, 1, config_.max_page);
        return answer_from_database<audit_page>(
            this, database_, "list_audit", [l = std::move(l)](pg::connection& db) { return list_audit_rows(db, l); });
      },
      [this](const get_audit_head& g) -> caf::result<audit_head> {
        return answer_from_database<audit_head>(this, database_, "audit_head",
                                                [u = g.user](pg::connection& db) { return read_audit_head(db, u); });
      },
      [this](const verify_audit& v) -> caf::result<audit_verdict> {
        auto answer = make_response_promise<audit_verdict>();
        verify(v.user, {}, answer);
        return answer;
      },
  };
}

void audit_reader::verify(const user_id& user, const chain_check& so_far, promise answer) {
  // The check is copied: a job may run again on a fresh connection.
  database_job job{"verify_audit", [user, so_far, limit = config_.verify_chunk](pg::connection& db) -> std::any {
                     checked_chunk c{so_far};
                     c.more = check_next_rows(db, user, c.check, limit);
                     return c;
                   }};
  request(database_, caf::infinite, std::move(job))
      .then(
          [this, user, answer](database_answer& a) mutable {
            auto& c = a.as<checked_chunk>();
            if (c.more)
              verify(user, c.check, std::move(answer));
            else
              answer.deliver(c.check.verdict());
          },
          [answer](caf::error& e) mutable { answer.deliver(std::move(e)); });
}

} // namespace mana
