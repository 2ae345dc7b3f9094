// mission_inputs: from a mission's inputs to texts for its prompt. First what to read, with the grant's
// allowlist checked before anything is; then what the records that were read say. Pure.
#pragma once

#include "actors/planner/inputs/input_text.hpp"
#include "infra/crypto/grant/grant.hpp"
#include "messages/audit_writer.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace mana {

struct wanted_input {
  const input_module* module = nullptr;
  record_ref ref;
};

struct input_selection {
  std::vector<wanted_input> inputs;         // in the mission's order; a record may come twice
  std::vector<record_ref> refs;             // each once
  std::vector<record_link> links;           // that the tables among them have
  std::vector<decrypt_event> outside_scope; // one per record
};

// `grant`: nullptr when the mission has none that can be used; then everything is read, and what is
// encrypted stays so.
input_selection select_inputs(const mission& m, const crypto::opened_grant* grant);

struct readable_input {
  resolved_input shown;
  bool decrypted = false; // holds text that must not be used before its audit row is written
};

struct input_texts {
  std::vector<readable_input> inputs;                        // in the mission's order
  std::vector<decrypt_event> events;                         // one per record that was, or failed to be, decrypted
  std::map<std::string, std::size_t, std::less<>> decrypted; // fields by table
};

input_texts resolve_inputs(const input_selection& selection, const std::vector<record_text>& records,
                           const crypto::opened_grant* grant);

} // namespace mana
