// Browser tabs of a simulated world: each takes the due slot of one mission, plans it for a while, writes the iteration
// to the log and gives the lease back. Some go away in the middle, some sleep for longer than a lease.
#pragma once

#include "tests/simulation/people.hpp"

namespace mana::sim {

class tabs {
public:
  tabs(surroundings& around, people& users, std::uint64_t seed) : around_(around), users_(users), random_(seed) {}

  // A user opens a tab, which plans one of their missions when that is due, if it may.
  void open();

private:
  struct tab {
    lease held;
    timestamp slot;
    bool done = false;
  };
  using tab_ptr = std::shared_ptr<tab>;

  void plan(const mission_key& key);
  void keep_lease(const tab_ptr& t);
  bool renew(const tab_ptr& t);
  void write(const tab_ptr& t);
  void close(const tab_ptr& t);
  template <class... Parts>
  void log(const tab& t, const Parts&... parts) {
    around_.log(t.held.key.user.value, t.held.key.mission.value, "tab:", parts...);
  }

  surroundings& around_;
  people& users_;
  seeded_random random_;
};

} // namespace mana::sim
