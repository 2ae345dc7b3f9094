// Which traces are exported, as OpenTelemetry's sampler `parentbased_traceidratio`: whoever began a trace decides. A
// trace that begins here is decided by its id, so that all who decide by the same ratio decide alike. Pure.
#pragma once

#include "messages/span.hpp"

namespace mana::tracing {

class trace_id_ratio_sampler {
public:
  // Of 0 to 1.
  explicit trace_id_ratio_sampler(double ratio) noexcept;
  // The last 63 bits of the id against that share of their range.
  bool samples(const trace_id& id) const noexcept;

private:
  std::uint64_t bound_;
};

} // namespace mana::tracing
