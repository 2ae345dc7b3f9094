// gauge_sampler: asks every few seconds for what nobody reports by itself: the length of the dirty
// queue, the number of quarantined missions, and the state of the LLM client.
#pragma once

#include "infra/metrics/registry.hpp"
#include "messages/database.hpp"
#include "messages/llm_client.hpp"

#include <caf/all.hpp>

namespace mana {

struct sample_gauges {};
using gauge_sampler_actor = caf::typed_actor<caf::reacts_to<sample_gauges>>;

gauge_sampler_actor::behavior_type gauge_sampler(gauge_sampler_actor::pointer self, database_actor database,
                                                 llm_client_actor llm, metrics::registry* registry);

} // namespace mana

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::sample_gauges)
