// job_batcher: requests of one kind that share database round trips and commits.
//
// Up to `max_parallel` jobs are under way; what arrives meanwhile becomes the next batch, so batches
// grow with the load and a lone request never waits. A batch that fails because of one of its
// requests (refused, conflict, internal) is run again one by one, so nobody pays for a neighbour. A
// batch whose COMMIT is in doubt is run again: its work must recognise what is done already.
#pragma once

#include "infra/postgres/connection.hpp"
#include "messages/database.hpp"

#include <caf/all.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace mana {

template <class Request, class Reply>
class job_batcher {
public:
  using batch = std::vector<Request>;
  using replies = std::vector<result<Reply>>; // one for each request, in order
  using work = std::function<replies(pg::connection&, const batch&)>;

  struct options {
    const char* name = "";
    std::size_t max_batch = 64;
    std::size_t max_parallel = 2;
    // Told of every batch: that the database did it, or why not, when that is what its requests are answered.
    std::function<void()> worked = [] {};
    std::function<void(const failure&)> failed = [](const failure&) {};
  };

  // Self: the actor that owns the batcher. (Only the concrete actor type knows request().)
  template <class Self>
  job_batcher(Self* self, database_actor database, options o, work w)
    : ask_([self](const database_actor& to, database_job job, on_answer answered, on_error failed) {
        self->request(to, caf::infinite, std::move(job)).then(std::move(answered), std::move(failed));
      }),
      database_(std::move(database)), options_(std::move(o)), work_(std::move(w)) {}

  void add(Request r, caf::typed_response_promise<Reply> promise) {
    waiting_.push_back({std::move(r), std::move(promise)});
    start_next();
  }

  // For on_exit: answers everybody who still waits, and lets go of the database.
  void stop() {
    for (auto& p : waiting_)
      p.promise.deliver(caf::make_error(errc::shutting_down));
    waiting_.clear();
    database_ = nullptr;
  }

private:
  static constexpr int max_doubts = 3;

  struct pending {
    Request request;
    caf::typed_response_promise<Reply> promise;
  };
  using pendings = std::shared_ptr<std::vector<pending>>;
  using on_answer = std::function<void(database_answer&)>;
  using on_error = std::function<void(caf::error&)>;

  void start_next() {
    if (under_way_ >= options_.max_parallel || waiting_.empty())
      return;
    auto taken = std::make_shared<std::vector<pending>>();
    while (!waiting_.empty() && taken->size() < options_.max_batch) {
      taken->push_back(std::move(waiting_.front()));
      waiting_.pop_front();
    }
    ++under_way_;
    run(std::move(taken), 0);
  }

  void run(pendings taken, int doubts) {
    if (!database_)
      return;
    auto requests = std::make_shared<batch>();
    for (auto& p : *taken)
      requests->push_back(p.request);
    database_job job{options_.name, [requests, w = work_](pg::connection& db) -> std::any { return w(db, *requests); }};
    send_job(std::move(job), std::move(taken), doubts);
  }

  void send_job(database_job job, pendings taken, int doubts) {
    ask_(
        database_, std::move(job),
        [this, taken](database_answer& a) {
          options_.worked();
          auto& answers = a.as<replies>();
          for (std::size_t i = 0; i < taken->size(); ++i)
            answers[i] ? (*taken)[i].promise.deliver(std::move(*answers[i]))
                       : (*taken)[i].promise.deliver(to_caf(std::move(answers[i]).error()));
          done();
        },
        [this, taken, doubts](caf::error& e) { failed(taken, doubts, to_failure(e)); });
  }

  void failed(pendings taken, int doubts, failure f) {
    if (f.code == errc::commit_in_doubt && doubts < max_doubts)
      return run(std::move(taken), doubts + 1);
    bool one_spoils_all =
        f.code == errc::database_refused || f.code == errc::database_conflict || f.code == errc::internal;
    if (one_spoils_all && taken->size() > 1) {
      for (auto& p : *taken) {
        ++under_way_;
        run(std::make_shared<std::vector<pending>>(1, std::move(p)), 0);
      }
      return done();
    }
    options_.failed(f);
    for (auto& p : *taken)
      p.promise.deliver(to_caf(f));
    done();
  }

  void done() {
    --under_way_;
    start_next();
  }

  std::function<void(const database_actor&, database_job, on_answer, on_error)> ask_;
  database_actor database_;
  options options_;
  work work_;
  std::deque<pending> waiting_;
  std::size_t under_way_ = 0;
};

} // namespace mana
