// The runner's actors that the HTTP front talks to. Empty while the service starts or stops;
// requests that need one then answer 503.
#pragma once

#include "messages/audit_reader.hpp"
#include "messages/database.hpp"
#include "messages/foreground_runs.hpp"
#include "messages/llm_client.hpp"
#include "messages/llm_proxy.hpp"
#include "messages/mission_directory.hpp"
#include "messages/mission_quarantine.hpp"
#include "messages/scheduler.hpp"
#include "messages/user_eraser.hpp"

namespace mana {

struct runner_handles {
  scheduler_actor scheduler;
  mission_directory_actor missions;
  database_actor database;
  llm_client_actor llm;
  audit_reader_actor audit_reader;
  user_eraser_actor eraser;
  mission_quarantine_actor quarantine;
  foreground_runs_actor foreground;
  llm_proxy_actor llm_proxy;
};

} // namespace mana
