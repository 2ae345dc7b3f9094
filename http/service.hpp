// The process as a whole: starts the chosen targets, serves until SIGTERM or SIGINT, stops in order.
#pragma once

#include "infra/config/settings.hpp"
#include "infra/config/targets.hpp"

namespace mana {

// From here on SIGTERM and SIGINT wait until serve() asks for them, which relies on it. For the first lines of the
// process: a stop in the middle of a start is then an orderly one, and the first process of a container, to which a
// signal that nobody handles is never delivered, does not lose it.
void hold_stop_signals();

// Exit code of the process. 0: stopped as asked; 1: a target could not start or could not be kept
// alive, the last log line says which and why.
//
// What SIGTERM does, in order: /ready turns 503 and claiming stops; runs finish within
// SHUTDOWN_GRACE_MS, the rest is handed back without counting the attempt; when that is done, and
// SHUTDOWN_DELAY_MS have passed, the HTTP server stops; the actors stop.
int serve(const config::settings& settings, config::target_set targets);

} // namespace mana
