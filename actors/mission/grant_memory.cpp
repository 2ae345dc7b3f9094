#include "actors/mission/grant_memory.hpp"

#include <algorithm>
#include <iterator>

namespace mana {

grant_memory grant_memory::of(const json::value& snapshot) {
  grant_memory out;
  auto* stored = snapshot.find(revoked_grants_key);
  if (stored == nullptr)
    return out;
  auto* list = stored->as_array();
  bool readable = list != nullptr
                  && std::all_of(list->begin(), list->end(), [](auto& entry) { return entry.as_string() != nullptr; });
  if (!readable) {
    for (std::size_t i = 0; i <= max_revoked_grants; ++i)
      out.add("lost " + std::to_string(i));
    return out;
  }
  for (auto& entry : *list)
    out.add(*entry.as_string());
  return out;
}

bool grant_memory::holds(std::string_view fingerprint) const { return full() || revoked_.contains(fingerprint); }

void grant_memory::add(std::string_view fingerprint) {
  if (!full())
    revoked_.emplace(fingerprint);
}

void grant_memory::add_all(const grant_memory& other) {
  for (auto& fingerprint : other.revoked_)
    add(fingerprint);
}

json::value grant_memory::to_json() const {
  json::array out;
  for (auto& fingerprint : revoked_)
    out.emplace_back(fingerprint);
  return out;
}

std::vector<std::string> grant_memory::since(const grant_memory& before) const {
  std::vector<std::string> out;
  std::set_difference(revoked_.begin(), revoked_.end(), before.revoked_.begin(), before.revoked_.end(),
                      std::back_inserter(out));
  return out;
}

} // namespace mana
