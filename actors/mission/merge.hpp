// The one merge rule of the change log: field-level last-writer-wins over dotted paths, soft and
// hard deletes, and one list per table that merges by element id. Used for every table. Of a mission it
// also remembers which grants were withdrawn, and keeps a part of its iterations (list_retention.hpp).
//
// What a history means: take the writes of all its changes after the last hard delete, order them
// by (stamp, position) and let each replace what is at its path. Folding in position order and
// applying late changes where `commutes` allows it give the same record.
#pragma once

#include "actors/mission/grant_memory.hpp"
#include "infra/json/value.hpp"
#include "messages/result.hpp"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mana {

struct field_write; // actors/mission/field_write.hpp

enum class change_op : std::uint8_t { insert, update, erase };

// `insert`, `update`, `delete`, as in `sync_changes.op`.
std::optional<change_op> parse_change_op(std::string_view text);

// The order of a history. `created_at_us`: microseconds since 1970; `id`: the row's UUID as text.
struct change_position {
  std::int64_t created_at_us = 0;
  std::string id;
  friend auto operator<=>(const change_position&, const change_position&) = default;
};

// One row of the log. `data` and `field_timestamps` come from outside: anything but an object
// counts as an empty one.
struct change {
  change_position at;
  change_op op = change_op::update;
  json::value data;
  json::value field_timestamps;
};

struct merge_rules {
  std::string keyed_list;  // the top-level field that merges by element `id`; empty: none
  bool has_grants = false; // the field `grant` is a key grant
  std::size_t newest = 0;  // so many elements of the keyed list stay, and those that await review; 0: all
};

inline constexpr std::size_t kept_iterations = 50;
inline merge_rules mission_merge_rules() { return {"iterations", true, kept_iterations}; }

// Keys that are never merged: `id`, keys that start with `__`, paths with an empty name or more
// than this many names, and paths into the keyed list.
inline constexpr std::size_t max_path_names = 16;

class merged_record {
public:
  // Nothing is known: the history must be applied from its start.
  merged_record(std::string record_id, merge_rules rules);

  // From what snapshot() gave. Errors: mission_invalid when it is no object.
  static result<merged_record> from_snapshot(std::string record_id, merge_rules rules, const json::value& snapshot);

  // False before the first change and after a hard delete.
  bool exists() const noexcept { return exists_; }

  // `deletedAt` is set and not null.
  bool hidden() const noexcept;

  // The record, `id` included, without any key that starts with `__`.
  const json::object& fields() const noexcept { return fields_; }

  // The fields and `__fieldTimestamps` (path → ISO text; an element of the keyed list is
  // `<list>.<element id>`); after a hard delete in the past also `__erasedAt` (ISO text), without
  // which commutes() could not tell rows from before that delete. Null when nothing exists.
  json::value snapshot() const;

  // The stamp that was written for exactly this path; nullptr when there is none.
  const std::string* stamp(std::string_view path) const noexcept;

  // Applies a change that sorts after everything applied before and needs no history, or one that
  // commutes.
  void apply(const change& c);

  // True: an element may have been written later and dropped since, which this record does not know
  // any more. Fold the history instead. The time at which an element started is taken not to change.
  bool needs_history(const change& c) const;

  // For a change that sorts before something applied already: true when applying it now gives what
  // the ordered fold gives. False (ties, hard deletes, no record, needs_history) means: fold the history
  // again.
  bool commutes(const change& c) const;

  // `revoked`: every grant that was in force and gave way to another value, to null, or to the deletion of
  // the record, and every grant that had lost against a newer value when it arrived. It outlives the record.
  grant_state grants() const { return {revoked_, grant_in_force()}; }
  // For a record that was folded anew: what was revoked before stays so, and what was in force before and
  // is not now is revoked.
  void remember(const grant_state& before);

private:
  std::optional<std::string> grant_in_force() const;
  void merge(const change& c, const std::vector<field_write>& writes);
  void note_withdrawn(const std::optional<std::string>& before, const std::vector<field_write>& writes);
  std::string_view effective_stamp(std::string_view path) const noexcept;
  void write(const field_write& w);
  void merge_list(const field_write& w);
  void drop_expired(json::array& list);
  const std::string* element_stamp(std::string_view id) const;
  bool may_be_forgotten(const json::value& element) const;
  bool order_matters(const field_write& w) const;
  bool list_order_matters(const field_write& w) const;

  std::string id_;
  merge_rules rules_;
  bool exists_ = false;
  json::object fields_;
  std::map<std::string, std::string, std::less<>> stamps_;
  std::string erased_at_;
  grant_memory revoked_;
  // What was taken out of the keyed list while this object lived: the stamps by id.
  std::unordered_map<std::string, std::string> dropped_;
  bool knows_all_dropped_ = true; // false: it comes from a snapshot
};

// The record of a whole history, in whatever order the changes are given.
merged_record fold(std::string record_id, merge_rules rules, std::vector<change> changes);

} // namespace mana
