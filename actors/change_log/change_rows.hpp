// Reading rows of the change log and merging them: what the refresher, the record reader and the
// iteration writer share. Statements run in the caller's transaction.
#pragma once

#include "actors/mission/merge.hpp"
#include "infra/postgres/connection.hpp"
#include "messages/ids.hpp"
#include "messages/record_reader.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mana {

// A record of one user: what to read the history of.
struct history_key {
  user_id user;
  record_ref ref;
};

// All changes of each record, in merge order; the index is the key's.
std::vector<std::vector<change>> read_histories(pqxx::transaction_base&, const std::vector<history_key>&);

// A record and what it may point to.
struct linked_history {
  std::vector<change> own;
  std::map<std::string, std::vector<change>> targets; // by record id: all that any of the rows names
};

// Like read_histories, in one round trip and in no particular order; the links apply to records of their table.
std::vector<linked_history> read_linked_histories(pqxx::transaction_base&, const std::vector<history_key>&,
                                                  const std::vector<record_link>& links);

// The link that applies to records of this table; nullptr when there is none.
const record_link* find_link(const std::vector<record_link>& links, std::string_view table);

// A named row of the log.
struct change_key {
  user_id user;
  std::string id; // UUID text
};

// The changes that are there and visible, at the index of their key; users in ascending order.
std::vector<std::optional<change>> read_named_changes(pqxx::transaction_base&, const std::vector<change_key>&);

// Applies changes to a stored record that is folded up to `applied`, and moves `applied`. False: the
// order against what is folded matters, the record is of no use any more, fold the history instead.
bool apply_in_place(merged_record& record, change_position& applied, std::vector<change> changes);

} // namespace mana
