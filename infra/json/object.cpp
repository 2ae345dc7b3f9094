#include "infra/json/value.hpp"

#include <algorithm>
#include <bit>
#include <functional>

namespace mana::json {

namespace {

constexpr std::size_t scan_limit = 16; // members that are found by looking at each
constexpr std::size_t npos = static_cast<std::size_t>(-1);

std::size_t hash_of(std::string_view key) noexcept { return std::hash<std::string_view>{}(key); }

} // namespace

object::object() = default;
object::object(std::initializer_list<member> members) : members_(members) { rebuild_index(); }
object::object(const object&) = default;
object::object(object&&) noexcept = default;
object& object::operator=(const object&) = default;
object& object::operator=(object&&) noexcept = default;
object::~object() = default;

bool object::empty() const noexcept { return members_.empty(); }
std::size_t object::size() const noexcept { return members_.size(); }
std::vector<member>::iterator object::begin() noexcept { return members_.begin(); }
std::vector<member>::iterator object::end() noexcept { return members_.end(); }
std::vector<member>::const_iterator object::begin() const noexcept { return members_.begin(); }
std::vector<member>::const_iterator object::end() const noexcept { return members_.end(); }

std::size_t object::position(std::string_view key) const noexcept {
  if (index_.empty()) {
    auto i = std::find_if(members_.begin(), members_.end(), [&](const member& m) { return m.first == key; });
    return i == members_.end() ? npos : static_cast<std::size_t>(i - members_.begin());
  }
  auto mask = index_.size() - 1;
  for (auto slot = hash_of(key) & mask; index_[slot] != 0; slot = (slot + 1) & mask)
    if (auto i = index_[slot] - 1; members_[i].first == key)
      return i;
  return npos;
}

void object::add_to_index(std::size_t position) noexcept {
  auto mask = index_.size() - 1;
  auto slot = hash_of(members_[position].first) & mask;
  while (index_[slot] != 0)
    slot = (slot + 1) & mask;
  index_[slot] = static_cast<std::uint32_t>(position + 1);
}

// At most a quarter full now, so that the members can double before the next time.
void object::rebuild_index() {
  index_.clear();
  if (members_.size() <= scan_limit)
    return;
  index_.resize(std::bit_ceil(members_.size() * 4));
  for (std::size_t i = 0; i < members_.size(); ++i)
    add_to_index(i);
}

const value* object::find(std::string_view key) const noexcept {
  auto i = position(key);
  return i == npos ? nullptr : &members_[i].second;
}

value* object::find(std::string_view key) noexcept {
  return const_cast<value*>(static_cast<const object*>(this)->find(key));
}

value& object::set(std::string_view key, value v) {
  if (auto* known = find(key)) {
    *known = std::move(v);
    return *known;
  }
  members_.emplace_back(std::string{key}, std::move(v));
  if (members_.size() * 2 <= index_.size())
    add_to_index(members_.size() - 1);
  else
    rebuild_index();
  return members_.back().second;
}

bool object::erase(std::string_view key) {
  if (std::erase_if(members_, [&](const member& m) { return m.first == key; }) == 0)
    return false;
  rebuild_index();
  return true;
}

bool operator==(const object& a, const object& b) {
  return a.size() == b.size() && std::all_of(a.begin(), a.end(), [&](const member& m) {
           auto* other = b.find(m.first);
           return other != nullptr && *other == m.second;
         });
}

} // namespace mana::json
