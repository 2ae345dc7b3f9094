#include "infra/tracing/sampler.hpp"

namespace mana::tracing {

namespace {

constexpr std::uint64_t range = std::uint64_t{1} << 63u;

} // namespace

trace_id_ratio_sampler::trace_id_ratio_sampler(double ratio) noexcept
  : bound_(ratio >= 1  ? range
           : ratio > 0 ? static_cast<std::uint64_t>(ratio * static_cast<double>(range))
                       : 0) {}

bool trace_id_ratio_sampler::samples(const trace_id& id) const noexcept {
  std::uint64_t last = 0;
  for (std::size_t i = 8; i < id.bytes.size(); ++i)
    last = last << 8u | id.bytes[i];
  return last >> 1u < bound_;
}

} // namespace mana::tracing
