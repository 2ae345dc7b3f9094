// `mana-ai missions quarantined|release`: what operators do about missions that end their runners, with the
// service's own login and also while no service runs.
#pragma once

#include "infra/config/settings.hpp"
#include "messages/ids.hpp"

namespace mana {

// Print what they found or did; return the exit code. 0: done; 1: there is nothing to release; 2: the database
// could not be asked.
int print_quarantined(const config::settings& settings);
int release_from_quarantine(const config::settings& settings, const mission_key& key);

} // namespace mana
