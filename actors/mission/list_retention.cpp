#include "actors/mission/list_retention.hpp"

#include "actors/mission/field_write.hpp"

#include <algorithm>
#include <iterator>
#include <tuple>

namespace mana {

namespace {

auto start_of(const json::value& element) { return std::tuple{element.text("startedAt"), element_id(element)}; }

} // namespace

void sort_by_start(json::array& list) {
  std::stable_sort(list.begin(), list.end(), [](auto& a, auto& b) { return start_of(a) < start_of(b); });
}

bool awaits_review(const json::value& element) { return element.text("overallStatus") == "awaiting-review"; }

bool is_beyond(const json::array& sorted, std::size_t newest, const json::value& element) {
  return sorted.size() >= newest && newest > 0 && start_of(element) < start_of(sorted[sorted.size() - newest]);
}

json::array take_expired(json::array& sorted, std::size_t newest) {
  if (sorted.size() <= newest)
    return {};
  auto kept = sorted.end() - static_cast<std::ptrdiff_t>(newest);
  auto expired = std::stable_partition(sorted.begin(), kept, awaits_review);
  json::array out{std::make_move_iterator(expired), std::make_move_iterator(kept)};
  sorted.erase(expired, kept);
  return out;
}

} // namespace mana
