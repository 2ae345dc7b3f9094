// stopped_grants: the grants that runs were stopped for lately, in bounded memory. A run that was claimed
// before its grant was withdrawn may announce the grant only afterwards.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <unordered_set>

namespace mana {

class stopped_grants {
public:
  explicit stopped_grants(std::size_t limit) : limit_(limit) {}

  void add(const std::string& fingerprint);
  bool holds(const std::string& fingerprint) const { return known_.contains(fingerprint); }

private:
  std::size_t limit_;
  std::deque<std::string> oldest_first_;
  std::unordered_set<std::string> known_;
};

} // namespace mana
