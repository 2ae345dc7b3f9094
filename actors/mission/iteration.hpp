// Iterations as the runner writes them (contract section 3), and the change that carries one.
#pragma once

#include "actors/mission/merge.hpp"
#include "actors/mission/mission.hpp"
#include "actors/mission/plan.hpp"
#include "messages/ids.hpp"
#include "messages/timestamp.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace mana {

// A UUID (version 5) of user, mission and slot: one slot has one iteration, however often it is tried.
std::string iteration_id_of(const mission_key& key, timestamp slot);

bool has_iteration(const mission& m, std::string_view id);

// Awaiting review, or approved when the plan has no step. Both functions leave out `startedAt` and
// `finishedAt`, which only the writer knows, and put U+FFFD where a text has U+0000, which
// PostgreSQL cannot store in jsonb.
json::value planned_iteration(std::string_view id, const plan& p);

// A run that failed for good; `summary` tells the user why, in plain words.
json::value failed_iteration(std::string_view id, std::string_view summary);

// Sets `startedAt` and `finishedAt`, both to `now`. Anything but an object is returned unchanged.
json::value finished_at(json::value iteration, timestamp now);

// `data` and `field_timestamps` of the update row that ends a run.
struct write_back {
  json::value data;             // {iterations, updatedAt, nextRunAt}
  json::value field_timestamps; // a stamp for each of them
};

// `iterations` are those of the record that stay beside this one (list_retention.hpp), and this one, in
// place of one with the same id; where clocks disagree it may be older than all of them. Every stamp
// is `now`, or the field's known stamp when that is newer: a browser whose clock runs ahead must
// not make the runner's write lose. Without a next run `nextRunAt` is null.
write_back make_write_back(const merged_record& fresh, const json::value& iteration, timestamp now,
                           std::optional<timestamp> next_run_at);

} // namespace mana
