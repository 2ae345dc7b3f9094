#include "infra/tracing/tracer.hpp"

#include <algorithm>
#include <array>
#include <random>

namespace mana::tracing {

struct tracer::state {
  trace_id_ratio_sampler sampler;
  sink to;
  sources from;
};

namespace {

// Seeded with 256 bits: of fewer, two of many threads and replicas would soon have the same, and then all ids alike.
std::mt19937_64 seeded_generator() {
  std::random_device entropy;
  std::array<std::random_device::result_type, 8> seed{};
  std::generate(seed.begin(), seed.end(), std::ref(entropy));
  std::seed_seq sequence(seed.begin(), seed.end());
  return std::mt19937_64{sequence};
}

template <std::size_t N>
void fill(std::array<std::uint8_t, N>& bytes, const std::function<std::uint64_t()>& random) {
  for (std::size_t i = 0; i < N; i += 8) {
    auto bits = random();
    for (std::size_t j = 0; j < 8; ++j)
      bytes[i + j] = static_cast<std::uint8_t>(bits >> (56u - 8u * j));
  }
}

template <class Id>
Id new_id(const std::function<std::uint64_t()>& random) {
  Id id;
  do
    fill(id.bytes, random);
  while (!id.valid());
  return id;
}

} // namespace

tracer::sources tracer::system_sources() {
  return {[] {
            thread_local auto generator = seeded_generator();
            return generator();
          },
          [] { return std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now()); },
          [] { return std::chrono::steady_clock::now(); }};
}

tracer::tracer(trace_id_ratio_sampler sampler, sink to, sources from)
  : state_(std::make_shared<const state>(state{sampler, std::move(to), std::move(from)})) {}

started_span tracer::start(const span_context& parent, bool parent_is_remote) const {
  started_span out;
  if (!state_)
    return out;
  if (parent.valid()) {
    out.context.trace = parent.trace;
    out.context.sampled = parent.sampled;
    out.parent = parent.span;
    out.parent_is_remote = parent_is_remote;
  } else {
    out.context.trace = new_id<trace_id>(state_->from.random);
    out.context.sampled = state_->to && state_->sampler.samples(out.context.trace);
  }
  out.context.span = new_id<span_id>(state_->from.random);
  if (exports(out.context)) {
    out.start = state_->from.wall_clock();
    out.begun = state_->from.steady_clock();
  }
  return out;
}

bool tracer::exports(const span_context& c) const noexcept { return c.sampled && state_ && state_->to; }

std::chrono::nanoseconds tracer::since(const started_span& s) const { return state_->from.steady_clock() - s.begun; }

void tracer::hand_over(ended_span&& s) const { state_->to(std::move(s)); }

} // namespace mana::tracing
