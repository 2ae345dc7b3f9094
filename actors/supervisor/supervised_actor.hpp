// supervised: stands in front of one child, passes every message on to it, and starts a new one when
// it dies. Clients keep one handle for ever; requests under way when a child dies are answered with
// an error by CAF.
//
//   child dies with an error     a new one is started at once, up to `max_restarts` within `within`
//   limit exceeded               this actor ends with the child's reason; whoever monitors it decides
//   this actor is told to exit   the child is stopped first; this actor ends when the child has
#pragma once

#include "messages/caf_errors.hpp"

#include <caf/all.hpp>

#include <chrono>
#include <deque>
#include <functional>
#include <string>

namespace mana {

struct restart_limit {
  std::size_t max_restarts = 5;
  std::chrono::seconds within{60};
};

// Made by a factory so that a restart gets fresh state. Called on the supervised actor's thread.
using child_factory = std::function<caf::actor()>;

class supervised : public caf::event_based_actor {
public:
  // restarted: told the child's name and why it died, before the next one starts.
  using observer = std::function<void(const std::string& child, const std::string& reason)>;

  supervised(caf::actor_config& cfg, std::string child_name, child_factory make_child, restart_limit limit,
             observer restarted);

  const char* name() const override { return "supervised"; }
  void on_exit() override { child_ = nullptr; }

protected:
  caf::behavior make_behavior() override;

private:
  void start_child();
  void child_down(const caf::down_msg& down);

  std::string child_name_;
  child_factory make_child_;
  restart_limit limit_;
  observer restarted_;
  caf::actor child_;
  std::deque<std::chrono::steady_clock::time_point> restarts_;
  bool stopping_ = false;
  caf::error stop_reason_;
};

// A supervised child behind a handle of the child's type.
template <class Handle>
Handle spawn_supervised(caf::actor_system& sys, std::string name, child_factory make_child, restart_limit limit,
                        supervised::observer restarted) {
  return caf::actor_cast<Handle>(
      sys.spawn<supervised>(std::move(name), std::move(make_child), limit, std::move(restarted)));
}

} // namespace mana
