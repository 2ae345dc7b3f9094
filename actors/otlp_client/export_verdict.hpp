// What a collector's answer means for a batch of spans, by OTLP/HTTP's rules for clients. Pure.
#pragma once

#include "infra/http_client/exchange.hpp"
#include "messages/otlp_client.hpp"

namespace mana {

// `now` is what a Retry-After date is compared with.
export_answer judge_export(const net::http_response& response, std::chrono::sys_seconds now);

} // namespace mana
