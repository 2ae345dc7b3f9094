#include "actors/mission/merge.hpp"

#include "actors/mission/field_write.hpp"
#include "actors/mission/list_retention.hpp"
#include "infra/crypto/grant/grant.hpp"

#include <algorithm>
#include <unordered_map>

namespace mana {

namespace {

constexpr std::string_view stamps_key = "__fieldTimestamps";
constexpr std::string_view erased_key = "__erasedAt";
constexpr std::string_view grant_field = "grant";

std::string child_path(std::string_view parent, std::string_view name) {
  std::string out{parent};
  out += '.';
  out += name;
  return out;
}

// The stamps of everything below `path`: '/' follows '.' in the byte order of the keys.
template <class Stamps>
auto below(Stamps& stamps, std::string_view path) {
  auto first = child_path(path, "");
  auto last = first;
  last.back() = '/';
  return std::pair{stamps.lower_bound(first), stamps.lower_bound(last)};
}

// Positions of the elements by id.
std::unordered_map<std::string_view, std::size_t> elements_by_id(const json::array& list) {
  std::unordered_map<std::string_view, std::size_t> out;
  for (std::size_t i = 0; i < list.size(); ++i)
    if (auto id = element_id(list[i]); !id.empty())
      out[id] = i;
  return out;
}

bool writes_grant(const std::vector<field_write>& writes) {
  return std::any_of(writes.begin(), writes.end(),
                     [](auto& w) { return w.path.substr(0, w.path.find('.')) == grant_field; });
}

bool writes_deletion(const std::vector<field_write>& writes) {
  return std::any_of(writes.begin(), writes.end(), [](auto& w) { return w.path == "deletedAt"; });
}

} // namespace

std::optional<change_op> parse_change_op(std::string_view text) {
  if (text == "insert")
    return change_op::insert;
  if (text == "update")
    return change_op::update;
  if (text == "delete")
    return change_op::erase;
  return std::nullopt;
}

merged_record::merged_record(std::string record_id, merge_rules rules)
  : id_(std::move(record_id)), rules_(std::move(rules)) {}

result<merged_record> merged_record::from_snapshot(std::string record_id, merge_rules rules,
                                                   const json::value& snapshot) {
  auto* fields = snapshot.as_object();
  if (fields == nullptr)
    return failure{errc::mission_invalid, "snapshot: not an object"};
  merged_record out{std::move(record_id), std::move(rules)};
  out.exists_ = true;
  out.knows_all_dropped_ = false;
  for (auto& [name, v] : *fields)
    if (!name.starts_with("__") && (name != out.rules_.keyed_list || v.as_array() != nullptr))
      out.fields_.set(name, v);
  out.fields_.set("id", out.id_);
  out.erased_at_ = snapshot.text(erased_key);
  out.revoked_ = grant_memory::of(snapshot);
  auto* stamps = snapshot.find(stamps_key);
  if (stamps == nullptr || stamps->as_object() == nullptr)
    return out;
  for (auto& [path, stamp] : *stamps->as_object())
    if (auto* text = stamp.as_string())
      out.stamps_.insert_or_assign(path, *text);
  return out;
}

bool merged_record::hidden() const noexcept {
  auto* deleted_at = fields_.find("deletedAt");
  return deleted_at != nullptr && !deleted_at->is_null();
}

json::value merged_record::snapshot() const {
  if (!exists_)
    return nullptr;
  json::object stamps;
  for (auto& [path, stamp] : stamps_)
    stamps.set(path, stamp);
  auto out = fields_;
  out.set(stamps_key, std::move(stamps));
  if (!erased_at_.empty())
    out.set(erased_key, erased_at_);
  if (!revoked_.empty())
    out.set(revoked_grants_key, revoked_.to_json());
  return out;
}

std::optional<std::string> merged_record::grant_in_force() const {
  auto* grant = exists_ && !hidden() ? fields_.find(grant_field) : nullptr;
  return grant == nullptr ? std::nullopt : crypto::grant_fingerprint(*grant);
}

const std::string* merged_record::stamp(std::string_view path) const noexcept {
  auto i = stamps_.find(path);
  return i == stamps_.end() ? nullptr : &i->second;
}

void merged_record::apply(const change& c) {
  auto writes = writes_of(c, rules_);
  // What decides which grant is in force: the grant itself, and whether the record is deleted.
  if (!rules_.has_grants || !(is_hard_delete(c) || writes_grant(writes) || writes_deletion(writes)))
    return merge(c, writes);
  auto before = grant_in_force();
  merge(c, writes);
  note_withdrawn(before, writes);
}

void merged_record::remember(const grant_state& before) {
  revoked_.add_all(before.revoked);
  if (before.in_force && before.in_force != grant_in_force())
    revoked_.add(*before.in_force);
}

void merged_record::note_withdrawn(const std::optional<std::string>& before, const std::vector<field_write>& writes) {
  auto now = grant_in_force();
  if (before && before != now)
    revoked_.add(*before);
  // A grant that arrives after a newer value was withdrawn before it could be seen. While the record is
  // deleted no grant is in force, so whether this one lost shows in its field.
  auto* winner = fields_.find(grant_field);
  for (auto& w : writes)
    if (w.path == grant_field)
      if (auto arrived = crypto::grant_fingerprint(*w.value);
          arrived && (winner == nullptr || crypto::grant_fingerprint(*winner) != arrived))
        revoked_.add(*arrived);
}

void merged_record::merge(const change& c, const std::vector<field_write>& writes) {
  if (is_hard_delete(c)) {
    exists_ = false;
    fields_ = {};
    stamps_.clear();
    dropped_.clear();
    knows_all_dropped_ = true;
    erased_at_ = created_at_stamp(c);
    return;
  }
  if (!exists_) {
    exists_ = true;
    fields_.set("id", id_);
  }
  for (auto& w : writes)
    w.path == rules_.keyed_list ? merge_list(w) : write(w);
}

// The newest write that reached this path: its own or that of an object around it.
std::string_view merged_record::effective_stamp(std::string_view path) const noexcept {
  std::string_view newest;
  for (auto end = path.find('.'); end != std::string_view::npos; end = path.find('.', end + 1))
    if (auto* s = stamp(path.substr(0, end)))
      newest = std::max<std::string_view>(newest, *s);
  if (auto* s = stamp(path))
    newest = std::max<std::string_view>(newest, *s);
  return newest;
}

void merged_record::write(const field_write& w) {
  if (w.stamp < effective_stamp(w.path))
    return;
  // Parts with a newer stamp of their own survive the new value; the outermost ones carry the rest.
  std::vector<std::pair<std::string, json::value>> newer;
  auto [i, end] = below(stamps_, w.path);
  while (i != end) {
    if (i->second <= w.stamp) {
      i = stamps_.erase(i);
      continue;
    }
    auto covered =
        !newer.empty() && i->first.starts_with(newer.back().first) && i->first[newer.back().first.size()] == '.';
    if (auto* v = covered ? nullptr : find_path(fields_, i->first))
      newer.emplace_back(i->first, *v);
    ++i;
  }
  assign_path(fields_, w.path, *w.value);
  for (auto& [path, v] : newer)
    assign_path(fields_, path, std::move(v));
  stamps_.insert_or_assign(std::string{w.path}, w.stamp);
}

void merged_record::merge_list(const field_write& w) {
  auto* known = fields_.find(w.path);
  auto& list = *(known != nullptr ? *known : fields_.set(w.path, json::array{})).as_array();
  std::unordered_map<std::string_view, const json::value*> winners;
  for (auto& element : *w.value->as_array()) {
    auto id = element_id(element);
    if (id.empty())
      continue;
    auto* known_stamp = element_stamp(id);
    bool loses = known_stamp != nullptr ? w.stamp < *known_stamp : may_be_forgotten(element) && !awaits_review(element);
    if (!loses)
      winners[id] = &element;
  }
  for (auto& [id, element] : winners) {
    stamps_.insert_or_assign(child_path(w.path, id), w.stamp);
    dropped_.erase(std::string{id});
  }
  for (auto& element : list)
    if (auto winner = winners.extract(element_id(element)))
      element = *winner.mapped();
  for (auto& [id, element] : winners)
    list.push_back(*element);
  sort_by_start(list);
  drop_expired(list);
  auto& own = stamps_[std::string{w.path}];
  own = std::max(own, w.stamp);
}

void merged_record::drop_expired(json::array& list) {
  if (rules_.newest == 0)
    return;
  for (auto& element : take_expired(list, rules_.newest)) {
    auto path = child_path(rules_.keyed_list, element_id(element));
    if (auto stamp = stamps_.extract(path))
      dropped_.insert_or_assign(std::string{element_id(element)}, std::move(stamp.mapped()));
  }
}

// The newest write of the element, as far as it is known.
const std::string* merged_record::element_stamp(std::string_view id) const {
  if (auto* known = stamp(child_path(rules_.keyed_list, id)))
    return known;
  auto i = dropped_.find(std::string{id});
  return i == dropped_.end() ? nullptr : &i->second;
}

// Nothing is known of the element, and it is old enough to have been dropped before the snapshot.
bool merged_record::may_be_forgotten(const json::value& element) const {
  if (knows_all_dropped_ || element_stamp(element_id(element)) != nullptr)
    return false;
  auto* list = fields_.find(rules_.keyed_list);
  return list != nullptr && is_beyond(*list->as_array(), rules_.newest, element);
}

bool merged_record::needs_history(const change& c) const {
  if (knows_all_dropped_ || is_hard_delete(c))
    return false;
  auto writes = writes_of(c, rules_);
  return std::any_of(writes.begin(), writes.end(), [&](auto& w) {
    if (w.path != rules_.keyed_list)
      return false;
    auto& elements = *w.value->as_array();
    return std::any_of(elements.begin(), elements.end(),
                       [&](auto& element) { return awaits_review(element) && may_be_forgotten(element); });
  });
}

bool merged_record::commutes(const change& c) const {
  if (!exists_ || is_hard_delete(c) || (!erased_at_.empty() && created_at_stamp(c) <= erased_at_))
    return false;
  if (needs_history(c))
    return false;
  auto writes = writes_of(c, rules_);
  // Which grants were in force for a while depends on the order even where the record does not.
  bool had_grant = fields_.find(grant_field) != nullptr || !revoked_.empty();
  if (rules_.has_grants && (writes_grant(writes) || (had_grant && writes_deletion(writes))))
    return false;
  return std::none_of(writes.begin(), writes.end(),
                      [&](auto& w) { return w.path == rules_.keyed_list ? list_order_matters(w) : order_matters(w); });
}

bool merged_record::order_matters(const field_write& w) const {
  auto newest = effective_stamp(w.path);
  if (w.stamp < newest)
    return false;
  auto [first, last] = below(stamps_, w.path);
  if (std::any_of(first, last, [&](auto& s) { return s.second == w.stamp; }))
    return true;
  if (w.stamp > newest)
    return false;
  // A tie is harmless when both sides wrote this very path and the same value.
  auto outer = w.path.find('.') == std::string_view::npos ? std::string_view{}
                                                          : effective_stamp(w.path.substr(0, w.path.rfind('.')));
  auto* known = find_path(fields_, w.path);
  return outer == newest || known == nullptr || *known != *w.value;
}

bool merged_record::list_order_matters(const field_write& w) const {
  auto* known = fields_.find(w.path);
  if (known == nullptr)
    return false;
  auto& list = *known->as_array();
  auto at = elements_by_id(list);
  auto& elements = *w.value->as_array();
  return std::any_of(elements.begin(), elements.end(), [&](auto& element) {
    auto* s = element_stamp(element_id(element));
    if (s == nullptr || *s != w.stamp)
      return false;
    auto i = at.find(element_id(element));
    // Of two values of an expired element neither stays, unless one awaits review.
    return i == at.end() ? awaits_review(element) : list[i->second] != element;
  });
}

merged_record fold(std::string record_id, merge_rules rules, std::vector<change> changes) {
  std::sort(changes.begin(), changes.end(), [](auto& a, auto& b) { return a.at < b.at; });
  merged_record out{std::move(record_id), std::move(rules)};
  for (auto& c : changes)
    out.apply(c);
  return out;
}

} // namespace mana
