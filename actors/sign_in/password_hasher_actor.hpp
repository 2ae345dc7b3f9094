// password_hasher: a dispatcher in front of detached workers. A hash takes 0.1 s of a core and 32 MiB:
// `workers` bounds both, the queue bounds how long anybody waits, and no other actor loses a thread.
#pragma once

#include "messages/password_hasher.hpp"

#include <cstddef>
#include <deque>
#include <functional>
#include <vector>

namespace mana {

struct password_hasher_config {
  std::size_t workers = 2;
  std::size_t max_queue = 64;
};

class password_hasher : public password_hasher_actor::base {
public:
  password_hasher(caf::actor_config& cfg, password_hasher_config config);

  const char* name() const override { return "password_hasher"; }
  void on_exit() override;

protected:
  behavior_type make_behavior() override;

private:
  struct job {
    std::function<void(const password_hasher_actor& worker)> start;
    std::function<void(failure)> refuse;
  };

  template <class Reply, class Message>
  caf::result<Reply> enqueue(Message& message);
  void start_next();
  void worker_failed(const password_hasher_actor& worker, const caf::error& why);
  password_hasher_actor spawn_worker();

  password_hasher_config config_;
  std::vector<password_hasher_actor> workers_;
  std::vector<password_hasher_actor> idle_;
  std::deque<job> queue_;
};

} // namespace mana
