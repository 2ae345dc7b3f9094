// fair_queue: calls that wait for a place. Users take turns; a user's own calls leave in the order of
// their ids, so a call that comes back for another try is before all younger ones of its user, but gains
// no turn for it. Splitting work into more calls gains nothing. Pure.
//
// Memory grows with the calls that wait; the owner bounds their number.
#pragma once

#include "messages/ids.hpp"

#include <chrono>
#include <cstdint>
#include <list>
#include <set>
#include <unordered_map>
#include <utility>

namespace mana {

class fair_queue {
public:
  using call_id = std::uint64_t;
  using time_point = std::chrono::steady_clock::time_point;

  // `id` does not wait yet. A user without waiting calls gets the last turn.
  void push(const user_id& user, call_id id, time_point since);
  // Unknown calls are ignored.
  void erase(call_id id);

  bool empty() const { return waiting_.empty(); }
  std::size_t size() const { return waiting_.size(); }
  // Of a queue that is not empty: the call whose turn it is, and the one that waits longest.
  call_id next() const { return *turns_.front().calls.begin(); }
  call_id oldest() const { return by_age_.begin()->second; }
  time_point oldest_since() const { return by_age_.begin()->first; }
  // Takes next() out; its user goes behind all others.
  void pop();

private:
  struct turn {
    user_id user;
    std::set<call_id> calls;
  };
  using turn_list = std::list<turn>;
  struct place {
    turn_list::iterator turn; // of its user
    time_point since;
  };

  turn_list turns_; // none without calls
  std::unordered_map<user_id, turn_list::iterator> turn_of_;
  std::unordered_map<call_id, place> waiting_;
  std::set<std::pair<time_point, call_id>> by_age_;
};

} // namespace mana
