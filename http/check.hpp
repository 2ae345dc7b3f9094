// `mana-ai check`: tries everything the targets need and says what is right and what is wrong.
#pragma once

#include "infra/config/settings.hpp"
#include "infra/config/targets.hpp"

namespace mana {

// Prints a table to stdout. Exit code 0: nothing is wrong; 1: the rows with FAIL say what to do.
// Warnings (WARN) do not count as wrong. The LLM is asked for one short completion.
int check(const config::settings& settings, config::target_set targets);

} // namespace mana
