// The users of a simulated world: their missions, records and grants, and what they change while runs are under way.
// Each writes to the log by a clock of their own, in the order in which they act.
#pragma once

#include "tests/simulation/replica.hpp"

#include <string>
#include <vector>

namespace mana::sim {

// How often users do what, per action.
struct habits {
  double move_slot = 0.2;
  double pause = 0.1; // or resume
  double edit = 0.15;
  double change_grant = 0.15;
  double erase = 0.03;
  // What is left: they review what the runner proposed.
};

class people {
public:
  people(surroundings& around, std::uint64_t seed) : around_(around), random_(seed) {}

  // Users u1, u2 …, with one to three missions each, due within two minutes.
  void move_in(std::size_t users);
  void act(const habits& h);
  // A tab of the mission's user writes these fields, by the user's clock.
  void write_from_tab(const mission_key& key, json::object fields);

private:
  struct owned {
    mission_key key;
    int grants_so_far = 0;
    bool granted = false;
    bool erased = false;
    timestamp last_stamp;
  };
  void add_mission(const user_id& user, std::size_t number);
  void add_note(const user_id& user, const std::string& record);
  json::value fresh_grant(owned& m);
  json::value cadence();
  std::string stamp(owned& m);
  timestamp soon();
  void write(owned& m, const char* what, json::object fields);
  void change_grant(owned& m);
  void review(owned& m);
  void erase(owned& m);

  surroundings& around_;
  seeded_random random_;
  std::vector<owned> missions_;
  std::map<user_id, milliseconds> clocks_; // how far a user's clock is off
};

} // namespace mana::sim
