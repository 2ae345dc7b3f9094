// The vault's audit: one row for every attempt, whatever became of it. What succeeded is recorded in
// the transaction that did it; what did not in one of its own, before the requester hears of it.
#pragma once

#include "actors/database/ask_database.hpp"
#include "messages/ids.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace mana {

// Words of mana_auth.vault_audit.
enum class vault_action : std::uint8_t {
  init,
  key_read,
  rewrap,
  rotate,
  recovery_set,
  recovery_removed,
  zero_knowledge_on,
  zero_knowledge_off,
  grant,
};
std::string_view to_string(vault_action a) noexcept;

struct vault_attempt {
  user_id user;
  vault_action action = vault_action::init;
  std::optional<std::string> mission; // of grants
  std::optional<int> record_count;
};

// ok; refused: by a rule that the user or operator can do something about; failed: the rest.
std::string_view outcome_of(errc code) noexcept;

struct vault_observer {
  // `outcome` is ok, refused or failed.
  std::function<void(vault_action action, std::string_view outcome)> attempted;
  // A refusal could not be recorded: the database did not take the row.
  std::function<void(const vault_attempt& what, const failure& why)> unrecorded;
};

// A transaction in the user's scope: row level security judges every statement. Throws libpqxx's
// exceptions, as all of the following do.
class user_transaction {
public:
  user_transaction(pg::connection& db, const user_id& user);
  template <class... Ts>
  pqxx::result exec(const std::string& sql, Ts&&... args) {
    return pg::connection::exec_in(tx_, sql, std::forward<Ts>(args)...);
  }
  void commit() { tx_.commit(); }

private:
  pqxx::work tx_;
};

void record_success(user_transaction& tx, const vault_attempt& what);
void record_failure(pg::connection& db, const vault_attempt& what, errc why);

// Runs `work` (result<Reply>(pg::connection&), which calls record_success() itself) and answers the
// requester; a failure is recorded first.
template <class Reply, class Self, class Work>
caf::result<Reply> audited(Self* self, const database_actor& database, const vault_observer& observer, const char* name,
                           vault_attempt what, Work work) {
  if (what.user.value.empty())
    return to_caf({errc::unauthorized, "no user"});
  auto promise = self->template make_response_promise<Reply>();
  auto refuse = [self, database, observer, promise, what](const failure& why) mutable {
    observer.attempted(what.action, outcome_of(why.code));
    database_job record{"vault_audit", [what, code = why.code](pg::connection& db) -> std::any {
                          record_failure(db, what, code);
                          return {};
                        }};
    self->request(database, caf::infinite, std::move(record))
        .then([promise, why](const database_answer&) mutable { promise.deliver(to_caf(why)); },
              [promise, why, what, observer](const caf::error& e) mutable {
                observer.unrecorded(what, to_failure(e));
                promise.deliver(to_caf(why));
              });
  };
  database_job job{name, [work = std::move(work)](pg::connection& db) -> std::any {
                     return std::make_shared<result<Reply>>(work(db));
                   }};
  self->request(database, caf::infinite, std::move(job))
      .then(
          [promise, refuse, observer, action = what.action](database_answer& a) mutable {
            auto& outcome = *a.as<std::shared_ptr<result<Reply>>>();
            if (!outcome)
              return refuse(outcome.error());
            observer.attempted(action, "ok");
            promise.deliver(std::move(*outcome));
          },
          [refuse](const caf::error& e) mutable { refuse(to_failure(e)); });
  return promise;
}

} // namespace mana
