#include "actors/supervisor/tracing_service.hpp"

#include "actors/otlp_client/otlp_client_actor.hpp"
#include "actors/scheduler/backoff.hpp"
#include "actors/span_exporter/span_exporter_actor.hpp"
#include "actors/supervisor/runner_observers.hpp"
#include "infra/log/log.hpp"
#include "infra/metrics/series.hpp"
#include "infra/tracing/span_places.hpp"

#include <mutex>

namespace mana {

namespace {

using metrics_ptr = std::shared_ptr<metrics::tracing_metrics>;

span_exporter_observer observe_exporter(const metrics_ptr& m) {
  auto troubles = std::make_shared<trouble_log>();
  span_exporter_observer o;
  o.exported = [m](std::size_t n) { m->exported.Increment(static_cast<double>(n)); };
  o.dropped = [m](span_drop why, std::size_t n) { m->dropped[to_string(why)].Increment(static_cast<double>(n)); };
  o.works = [troubles] { troubles->ended("export_spans"); };
  o.failed = [troubles](const failure& f) { troubles->happened("export_spans", f); };
  return o;
}

result<otlp_client_config> client_config_of(const config::settings& s) {
  otlp_client_config c;
  c.url_is_base = s.otlp_traces_endpoint.empty();
  c.url = c.url_is_base ? s.otlp_endpoint : s.otlp_traces_endpoint;
  c.ca_file = s.otlp_certificate;
  c.timeout = s.otlp_timeout;
  auto headers = tracing::parse_otlp_headers(s.otlp_headers.reveal());
  if (!headers)
    return failure{errc::config_invalid, "OTEL_EXPORTER_OTLP_HEADERS: " + headers.error().detail};
  c.headers = std::move(*headers);
  return c;
}

span_exporter_config exporter_config_of(const config::settings& s, const std::string& version) {
  span_exporter_config c;
  c.resource = {s.otel_service_name, version, s.replica_name};
  c.max_age = s.span_max_age;
  return c;
}

} // namespace

// What ends spans may outlive the children, and the actor system: their handle goes at stop().
struct tracing_service::sink {
  sink(std::size_t places_, metrics_ptr m) : places(places_), metrics(std::move(m)) {}

  void take(ended_span&& s) {
    span_exporter_actor to;
    {
      std::lock_guard lock{mutex};
      to = exporter;
    }
    auto place = to ? places.take() : nullptr;
    if (place)
      caf::anon_send(to, span_ended{std::move(s), std::move(place)});
    else
      metrics->dropped[to_string(to ? span_drop::queue_full : span_drop::shutdown)].Increment();
  }

  tracing::span_places places;
  metrics_ptr metrics;
  std::mutex mutex;
  span_exporter_actor exporter;
};

result<std::unique_ptr<tracing_service>> tracing_service::start(caf::actor_system& sys, io_loop& loop,
                                                                const config::settings& s, metrics::registry& registry,
                                                                const std::string& version) {
  std::unique_ptr<tracing_service> out{new tracing_service{sys}};
  tracing::trace_id_ratio_sampler sampler{s.trace_ratio};
  if (s.otlp_endpoint.empty() && s.otlp_traces_endpoint.empty()) {
    out->tracer_ = tracing::tracer{sampler};
    return out;
  }
  auto client_config = client_config_of(s);
  if (!client_config)
    return std::move(client_config).error();
  // What is wrong is found now; the children start with the same.
  auto name = s.otlp_traces_endpoint.empty() ? "OTEL_EXPORTER_OTLP_ENDPOINT: " : "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: ";
  auto at = net::parse_url(client_config->url);
  if (!at)
    return failure{errc::config_invalid, name + at.error().detail};
  if (at->tls)
    if (auto tls = net::tls_context::make(at->host, client_config->ca_file); !tls)
      return failure{errc::config_invalid, "OTEL_EXPORTER_OTLP_CERTIFICATE: " + tls.error().detail};
  auto m = std::make_shared<metrics::tracing_metrics>(registry);
  auto as_child = [](auto handle) { return caf::actor_cast<caf::actor>(handle); };
  auto client = out->children_.add<otlp_client_actor>("otlp_client", [=, &sys, &loop, config = *client_config] {
    auto made = spawn_otlp_client(sys, loop, config);
    return made ? as_child(*made) : caf::actor{};
  });
  out->sink_ = std::make_shared<sink>(s.max_waiting_spans, m);
  out->sink_->exporter = out->children_.add<span_exporter_actor>(
      "span_exporter", [=, &sys, config = exporter_config_of(s, version), observer = observe_exporter(m)] {
        return as_child(sys.spawn<span_exporter>(config, span_exporter_deps{client, random_share, observer}));
      });
  out->children_.watch([](const std::string& child) {
    log::error("gave_up", {{"actor", child}, {"advice", "no spans are exported any more; the service goes on"}});
  });
  out->tracer_ = tracing::tracer{sampler, [to = out->sink_](ended_span&& s_) { to->take(std::move(s_)); }};
  return out;
}

tracing_service::~tracing_service() { stop({}); }

void tracing_service::stop(std::chrono::milliseconds grace) {
  if (!sink_)
    return;
  span_exporter_actor exporter;
  {
    std::lock_guard lock{sink_->mutex};
    exporter = std::exchange(sink_->exporter, nullptr);
  }
  if (exporter && grace.count() > 0) {
    caf::scoped_actor self{system_};
    self->request(exporter, grace, flush_spans{}).receive([](spans_flushed) {}, [](const caf::error&) {});
  }
  children_.stop();
}

} // namespace mana
