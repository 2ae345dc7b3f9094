// The process's metrics in Prometheus' text format. Every name begins with `mana_ai_`, every series
// carries `service="mana-ai"`. Series are looked up once, by the owner's struct in series.hpp:
// a look-up takes a lock and allocates.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <memory>
#include <string>
#include <vector>

namespace mana::metrics {

using counter = prometheus::Counter;
using gauge = prometheus::Gauge;
using histogram = prometheus::Histogram;
using buckets = prometheus::Histogram::BucketBoundaries; // upper bounds, in seconds
template <class T>
using family = prometheus::Family<T>;

class registry {
public:
  registry();
  registry(const registry&) = delete;
  registry& operator=(const registry&) = delete;
  ~registry();

  // `name` without the prefix. The same name again gives the same family.
  family<counter>& counters(const std::string& name, const std::string& help);
  family<gauge>& gauges(const std::string& name, const std::string& help);
  family<histogram>& histograms(const std::string& name, const std::string& help);

  // Families with a single series.
  counter& one_counter(const std::string& name, const std::string& help);
  gauge& one_gauge(const std::string& name, const std::string& help);
  histogram& one_histogram(const std::string& name, const std::string& help, const buckets& bounds);

  // All families, the process's own included, by name.
  std::vector<prometheus::MetricFamily> collect() const;
  // The same as text, version 0.0.4 of the exposition format.
  std::string text() const;

private:
  std::unique_ptr<prometheus::Registry> families_;
  std::unique_ptr<prometheus::Collectable> process_;
};

inline constexpr const char* text_content_type = "text/plain; version=0.0.4; charset=utf-8";

} // namespace mana::metrics
