// schema_keeper: brings the schema up to date at start, if it may, and keeps an eye on it.
#pragma once

#include "messages/caf_errors.hpp"

#include <caf/all.hpp>

#include <string>
#include <vector>

namespace mana {

struct schema_status {
  bool migrated = false;             // everything this binary needs is applied
  std::string failing_because;       // when not
  std::vector<std::string> warnings; // e.g. a login that bypasses row level security
};

struct keep_schema {};

using schema_keeper_actor = caf::typed_actor<
    // Sent to itself: migrate and look, then again after a pause.
    caf::reacts_to<keep_schema>>;

} // namespace mana

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::keep_schema)
