#include "actors/sign_in/password_hasher_actor.hpp"

#include "infra/crypto/password_hash.hpp"

#include <algorithm>

namespace mana {

namespace {

failure no_memory() { return {errc::internal, "a password could not be hashed"}; }

// One thread.
password_hasher_actor::behavior_type worker(password_hasher_actor::pointer self) {
  self->set_default_handler(caf::drop);
  return {
      [](const hash_password& asked) -> caf::result<hashed_password> {
        auto encoded = crypto::hash_password(asked.password->view());
        if (!encoded)
          return to_caf(no_memory());
        return hashed_password{std::move(*encoded)};
      },
      [](const check_password& asked) -> caf::result<password_verdict> {
        if (!asked.encoded) {
          crypto::spend_time_of_a_match(asked.password->view());
          return password_verdict{false};
        }
        auto right = crypto::password_matches(asked.password->view(), *asked.encoded);
        if (!right)
          return to_caf(no_memory());
        return password_verdict{*right};
      },
  };
}

} // namespace

password_hasher::password_hasher(caf::actor_config& cfg, password_hasher_config config)
  : password_hasher_actor::base(cfg), config_(config) {
  set_default_handler(caf::drop);
  for (std::size_t i = 0; i < config_.workers; ++i)
    workers_.push_back(spawn_worker());
  idle_ = workers_;
}

password_hasher_actor password_hasher::spawn_worker() { return spawn<caf::detached>(worker); }

void password_hasher::on_exit() {
  for (auto& j : queue_)
    j.refuse({errc::shutting_down, "the service stops"});
  for (auto& w : workers_)
    send_exit(w, caf::exit_reason::user_shutdown);
  // A detached actor's thread ends with its last handle: let go of all of them.
  queue_.clear();
  idle_.clear();
  workers_.clear();
}

password_hasher::behavior_type password_hasher::make_behavior() {
  return {
      [this](hash_password& asked) { return enqueue<hashed_password>(asked); },
      [this](check_password& asked) { return enqueue<password_verdict>(asked); },
  };
}

template <class Reply, class Message>
caf::result<Reply> password_hasher::enqueue(Message& message) {
  if (!message.password)
    return to_caf({errc::bad_request, "password: missing"});
  if (idle_.empty() && queue_.size() >= config_.max_queue)
    return to_caf({errc::overloaded, "too many passwords wait to be hashed"});
  auto promise = make_response_promise<Reply>();
  job j;
  j.refuse = [promise](failure why) mutable { promise.deliver(to_caf(std::move(why))); };
  j.start = [this, promise, message = std::move(message)](const password_hasher_actor& free) mutable {
    request(free, caf::infinite, std::move(message))
        .then(
            [this, promise, free](Reply& reply) mutable {
              promise.deliver(std::move(reply));
              idle_.push_back(free);
              start_next();
            },
            [this, promise, free](caf::error& e) mutable {
              worker_failed(free, e);
              promise.deliver(to_caf(no_memory()));
              start_next();
            });
  };
  queue_.push_back(std::move(j));
  start_next();
  return promise;
}

void password_hasher::start_next() {
  if (idle_.empty() || queue_.empty())
    return;
  auto free = std::move(idle_.back());
  idle_.pop_back();
  auto next = std::move(queue_.front());
  queue_.pop_front();
  next.start(free);
}

void password_hasher::worker_failed(const password_hasher_actor& worker, const caf::error& why) {
  auto free = worker;
  bool dead = why.category() != caf::atom("mana");
  if (dead) {
    free = spawn_worker();
    std::replace(workers_.begin(), workers_.end(), worker, free);
  }
  idle_.push_back(std::move(free));
}

} // namespace mana
