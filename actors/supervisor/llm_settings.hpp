#pragma once

#include "actors/llm_client/llm_client_config.hpp"
#include "infra/config/settings.hpp"

namespace mana {

llm_client_config llm_config_of(const config::settings& s);

} // namespace mana
