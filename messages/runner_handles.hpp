// The runner's actors that the HTTP front talks to. Empty while the service starts or stops;
// requests that need one then answer 503.
#pragma once

#include "messages/database.hpp"
#include "messages/llm_client.hpp"
#include "messages/mission_directory.hpp"
#include "messages/scheduler.hpp"

namespace mana {

struct runner_handles {
  scheduler_actor scheduler;
  mission_directory_actor missions;
  database_actor database;
  llm_client_actor llm;
};

} // namespace mana
