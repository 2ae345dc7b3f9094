// tracer: starts and ends spans. Ids are made for everything, since the log shows them and the LLM is told them; times
// are taken and attributes put together only for spans that will be exported, which none is unless there is a sink.
//
//   auto span = tracer.start(parent);
//   …
//   tracer.end(span, took, [&](ended_span& s) { s.name = "read"; });
//
// Copies share their state. Thread-safe; never blocks.
#pragma once

#include "infra/tracing/sampler.hpp"
#include "messages/span.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <utility>

namespace mana::tracing {

class tracer {
public:
  // Must neither block nor throw.
  using sink = std::function<void(ended_span&&)>;
  // For tests.
  struct sources {
    std::function<std::uint64_t()> random;
    std::function<unix_time()> wall_clock;
    std::function<std::chrono::steady_clock::time_point()> steady_clock;
  };
  static sources system_sources();

  // Makes no ids and exports nothing: for who is told of no traces.
  tracer() = default;
  // Without a sink no trace that begins here is sampled.
  explicit tracer(trace_id_ratio_sampler sampler, sink to = {}, sources from = system_sources());

  // A child of `parent`, or the root of a new trace when that is not valid.
  started_span start(const span_context& parent = {}, bool parent_is_remote = false) const;

  // `took` is measured by the caller, by a steady clock, for its metric: the span then says the same. `describe` fills
  // in the rest, of a span that will be exported.
  template <class Describe>
  void end(const started_span& s, std::chrono::nanoseconds took, Describe&& describe) const {
    if (!exports(s.context))
      return;
    ended_span out;
    out.started = s;
    out.end = s.start + took;
    std::forward<Describe>(describe)(out);
    hand_over(std::move(out));
  }
  // Of a span that nobody measures else.
  template <class Describe>
  void end(const started_span& s, Describe&& describe) const {
    if (exports(s.context))
      end(s, since(s), std::forward<Describe>(describe));
  }

private:
  struct state;
  bool exports(const span_context& c) const noexcept;
  std::chrono::nanoseconds since(const started_span& s) const;
  void hand_over(ended_span&& s) const;

  std::shared_ptr<const state> state_;
};

} // namespace mana::tracing
