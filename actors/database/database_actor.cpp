#include "actors/database/database_actor.hpp"

#include "actors/scheduler/backoff.hpp"
#include "infra/postgres/connection.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>

namespace mana {

namespace {

constexpr int max_conflict_attempts = 3;

// One connection, one thread.
class database_worker : public database_actor::base {
public:
  database_worker(caf::actor_config& cfg, std::string url, std::shared_ptr<connect_gate> gate)
    : database_actor::base(cfg), url_(std::move(url)), gate_(std::move(gate)) {
    set_default_handler(caf::drop);
  }

  const char* name() const override { return "database_worker"; }
  void on_exit() override { connection_.reset(); }

protected:
  behavior_type make_behavior() override {
    return {
        [this](const database_job& job) -> caf::result<database_answer> { return run(job); },
        [](get_database_status) { return database_status{}; },
    };
  }

private:
  caf::result<database_answer> run(const database_job& job) {
    for (int conflicts = 0;;) {
      bool reused = connection_ != nullptr;
      auto answer = attempt(job);
      if (answer)
        return std::move(*answer);
      failure f = std::move(answer).error();
      if (f.code == errc::database_conflict && ++conflicts < max_conflict_attempts)
        continue;
      bool lost = lost_session(f.code);
      if (lost)
        connection_.reset();
      if (f.code == errc::database_unavailable && reused && lost)
        continue; // died while it was idle, most likely: one try with a fresh one
      return to_caf(std::move(f));
    }
  }

  result<database_answer> attempt(const database_job& job) {
    if (auto f = connect())
      return std::move(*f);
    return pg::attempt([&] { return database_answer{job.run(*connection_)}; });
  }

  std::optional<failure> connect() {
    using clock = std::chrono::steady_clock;
    if (connection_)
      return std::nullopt;
    if (auto f = gate_->refusal(clock::now()))
      return f;
    auto made = pg::attempt([this] { return std::make_unique<pg::connection>(url_); });
    if (!made) {
      gate_->failed(made.error(), clock::now(), random_share());
      return std::move(made).error();
    }
    gate_->connected();
    connection_ = std::move(*made);
    return std::nullopt;
  }

  // Whatever state a failed job left behind ends with its transaction; only a connection that is lost,
  // or in doubt, is thrown away. A server that became read-only may have failed over; one that is short
  // of disk or memory keeps its sessions.
  bool lost_session(errc why) const {
    switch (why) {
      case errc::database_unavailable: return connection_ && !connection_->raw().is_open();
      case errc::commit_in_doubt:
      case errc::database_read_only:
      case errc::internal: return true;
      default: return false;
    }
  }

  std::string url_;
  std::shared_ptr<connect_gate> gate_;
  std::unique_ptr<pg::connection> connection_;
};

} // namespace

database::database(caf::actor_config& cfg, database_config config, database_observer observer)
  : database_actor::base(cfg), config_(std::move(config)), observer_(std::move(observer)),
    gate_(std::make_shared<connect_gate>(config_.between_connects)) {
  set_default_handler(caf::drop);
  for (std::size_t i = 0; i < config_.connections; ++i)
    workers_.push_back(spawn_worker());
  idle_ = workers_;
}

database_actor database::spawn_worker() { return spawn<database_worker, caf::detached>(config_.url, gate_); }

void database::on_exit() {
  for (auto& w : queue_)
    w.promise.deliver(caf::make_error(errc::shutting_down));
  for (auto& w : workers_)
    send_exit(w, caf::exit_reason::user_shutdown);
  // A detached actor's thread ends with its last handle: let go of all of them.
  queue_.clear();
  idle_.clear();
  workers_.clear();
}

database::behavior_type database::make_behavior() {
  return {
      [this](database_job& job) -> caf::result<database_answer> {
        if (idle_.empty() && queue_.size() >= config_.max_queue)
          return errc::database_overloaded;
        waiting w{std::move(job), make_response_promise<database_answer>(), clock::now()};
        auto promise = w.promise;
        if (idle_.empty()) {
          queue_.push_back(std::move(w));
          observer_.queue_depth(queue_.size());
        } else {
          auto free = std::move(idle_.back());
          idle_.pop_back();
          start(std::move(free), std::move(w));
        }
        return promise;
      },
      [this](get_database_status) { return status_; },
  };
}

// The worker always answers: its blocking calls end by the server's and the kernel's timeouts.
void database::start(database_actor free, waiting w) {
  auto started = clock::now();
  auto job = w.job;
  request(free, caf::infinite, std::move(job))
      .then(
          [this, free, w, started](database_answer& answer) mutable {
            note(w, started, nullptr);
            w.promise.deliver(std::move(answer));
            next(std::move(free), true);
          },
          [this, free, w, started](caf::error& e) mutable {
            note(w, started, &e);
            bool dead = e.category() != caf::atom("mana");
            bool connected = !dead && to_failure(e).code != errc::database_unavailable;
            w.promise.deliver(dead ? caf::make_error(errc::internal, std::string{"a database worker died"})
                                   : std::move(e));
            if (dead) {
              auto fresh = spawn_worker();
              std::replace(workers_.begin(), workers_.end(), free, fresh);
              free = std::move(fresh);
            }
            next(std::move(free), connected);
          });
}

// Jobs go to those first that are known to have a connection: the last of idle_.
void database::next(database_actor free, bool connected) {
  if (queue_.empty()) {
    idle_.insert(connected ? idle_.end() : idle_.begin(), std::move(free));
    return;
  }
  auto w = std::move(queue_.front());
  queue_.pop_front();
  observer_.queue_depth(queue_.size());
  start(std::move(free), std::move(w));
}

void database::note(const waiting& w, clock::time_point started, const caf::error* error) {
  observer_.job(w.job.name, started - w.since, clock::now() - started, error == nullptr);
  auto f = error == nullptr ? failure{} : to_failure(*error);
  status_.connected = error == nullptr || (f.code != errc::database_unavailable && f.code != errc::commit_in_doubt);
  status_.last_failure = status_.connected ? std::string{} : f.detail;
}

} // namespace mana
