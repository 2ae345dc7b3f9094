// child_group: the supervised children of one target. Starts them in the order in which they are
// added, stops them in reverse, and tells when one of them cannot be kept alive.
#pragma once

#include "actors/supervisor/supervised_actor.hpp"

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace mana {

class child_group {
public:
  // Called once for a child, from any thread, when it could not be kept alive.
  using give_up = std::function<void(const std::string& child)>;

  explicit child_group(caf::actor_system& system) : system_(system) {}
  child_group(const child_group&) = delete;
  child_group& operator=(const child_group&) = delete;
  ~child_group() { stop(); }

  template <class Handle>
  Handle add(const std::string& name, child_factory make_child) {
    auto handle = spawn_supervised<Handle>(system_, name, std::move(make_child), {}, log_restart);
    children_.emplace_back(name, caf::actor_cast<caf::actor>(handle));
    return handle;
  }
  // After the last child was added.
  void watch(give_up on_give_up);
  // Blocks; call it while the loops run on which children live.
  void stop();

private:
  static void log_restart(const std::string& child, const std::string& reason);

  caf::actor_system& system_;
  std::vector<std::pair<std::string, caf::actor>> children_; // in the order of need
  caf::actor watcher_;
};

} // namespace mana
