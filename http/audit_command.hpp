// `mana-ai audit verify`: checks one user's chain with the service's own login.
#pragma once

#include "infra/config/settings.hpp"
#include "messages/ids.hpp"

namespace mana {

// Prints what it found; returns the exit code. 0: every row is good; 1: the first bad row is named;
// 2: it could not be checked.
int verify_audit_chain(const config::settings& settings, const user_id& user);

} // namespace mana
