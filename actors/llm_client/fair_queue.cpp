#include "actors/llm_client/fair_queue.hpp"

namespace mana {

void fair_queue::push(const user_id& user, call_id id, time_point since) {
  auto [known, is_new] = turn_of_.try_emplace(user, turns_.end());
  if (is_new)
    known->second = turns_.insert(turns_.end(), turn{user, {}});
  known->second->calls.insert(id);
  waiting_.emplace(id, place{known->second, since});
  by_age_.emplace(since, id);
}

void fair_queue::erase(call_id id) {
  auto i = waiting_.find(id);
  if (i == waiting_.end())
    return;
  auto of_user = i->second.turn;
  by_age_.erase({i->second.since, id});
  waiting_.erase(i);
  of_user->calls.erase(id);
  if (of_user->calls.empty()) {
    turn_of_.erase(of_user->user);
    turns_.erase(of_user);
  }
}

void fair_queue::pop() {
  auto first = turns_.begin();
  if (first->calls.size() > 1)
    turns_.splice(turns_.end(), turns_, first);
  erase(*first->calls.begin());
}

} // namespace mana
