#include "actors/scheduler/stopped_grants.hpp"

namespace mana {

void stopped_grants::add(const std::string& fingerprint) {
  if (!known_.insert(fingerprint).second)
    return;
  oldest_first_.push_back(fingerprint);
  if (oldest_first_.size() <= limit_)
    return;
  known_.erase(oldest_first_.front());
  oldest_first_.pop_front();
}

} // namespace mana
