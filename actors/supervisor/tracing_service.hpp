// Traces of the whole process: the tracer that everything else starts its spans with and, where a collector is set, two
// children that bring them there (see child_group.hpp).
//
//   child            restart   who needs it     stops
//   otlp_client      yes       span_exporter    2., after the flush
//   span_exporter    yes       the tracer       1., after the flush
//
// Nothing depends on it. What the crash of a child loses are spans; one that cannot be kept alive ends the export,
// which is said in the log, and never the process.
#pragma once

#include "actors/supervisor/child_group.hpp"
#include "infra/config/settings.hpp"
#include "infra/io/io_loop.hpp"
#include "infra/metrics/registry.hpp"
#include "infra/tracing/tracer.hpp"
#include "messages/result.hpp"
#include "messages/span_exporter.hpp"

#include <memory>
#include <string>

namespace mana {

class tracing_service {
public:
  // config_invalid: OTEL_EXPORTER_OTLP_(TRACES_)ENDPOINT or …_CERTIFICATE.
  static result<std::unique_ptr<tracing_service>> start(caf::actor_system& system, io_loop& loop,
                                                        const config::settings& settings, metrics::registry& registry,
                                                        const std::string& version);
  ~tracing_service();

  // Makes ids where no collector is set, too. Spans that end after stop() are dropped.
  const tracing::tracer& tracer() const noexcept { return tracer_; }

  // Sends what there is, for as long as `grace`. Blocks; call it while the loop runs and after all that has spans.
  void stop(std::chrono::milliseconds grace);

private:
  struct sink;
  explicit tracing_service(caf::actor_system& system) : system_(system), children_(system) {}

  caf::actor_system& system_;
  tracing::tracer tracer_;
  std::shared_ptr<sink> sink_; // none without a collector
  child_group children_;
};

} // namespace mana
