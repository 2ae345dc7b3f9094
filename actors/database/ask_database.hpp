// From an actor to the database and back: runs `work` on a worker and delivers its value to the
// requester's promise, or the error.
#pragma once

#include "infra/postgres/connection.hpp"
#include "messages/database.hpp"

#include <utility>

namespace mana {

// Work that several jobs share must be captured by value or by shared_ptr<const T>.
template <class Reply, class Self, class Work>
caf::result<Reply> answer_from_database(Self* self, const database_actor& database, const char* name, Work work) {
  auto promise = self->template make_response_promise<Reply>();
  database_job job{name, [work = std::move(work)](pg::connection& db) -> std::any { return Reply{work(db)}; }};
  // The pool always answers, within the limits of its connections.
  self->request(database, caf::infinite, std::move(job))
      .then([promise](database_answer& a) mutable { promise.deliver(std::move(a.as<Reply>())); },
            [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
  return promise;
}

} // namespace mana
