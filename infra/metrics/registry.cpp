#include "infra/metrics/registry.hpp"

#include "infra/metrics/process.hpp"

#include <prometheus/text_serializer.h>

#include <algorithm>

namespace mana::metrics {

namespace {

const prometheus::Labels service{{"service", "mana-ai"}};

template <class Builder>
auto& registered(Builder builder, prometheus::Registry& r, const std::string& name, const std::string& help) {
  return builder.Name("mana_ai_" + name).Help(help).Labels(service).Register(r);
}

} // namespace

registry::registry()
  : families_(std::make_unique<prometheus::Registry>()), process_(std::make_unique<process_collector>(service)) {}

registry::~registry() = default;

family<counter>& registry::counters(const std::string& name, const std::string& help) {
  return registered(prometheus::BuildCounter(), *families_, name, help);
}
family<gauge>& registry::gauges(const std::string& name, const std::string& help) {
  return registered(prometheus::BuildGauge(), *families_, name, help);
}
family<histogram>& registry::histograms(const std::string& name, const std::string& help) {
  return registered(prometheus::BuildHistogram(), *families_, name, help);
}

counter& registry::one_counter(const std::string& name, const std::string& help) {
  return counters(name, help).Add({});
}
gauge& registry::one_gauge(const std::string& name, const std::string& help) { return gauges(name, help).Add({}); }
histogram& registry::one_histogram(const std::string& name, const std::string& help, const buckets& bounds) {
  return histograms(name, help).Add({}, bounds);
}

std::vector<prometheus::MetricFamily> registry::collect() const {
  auto all = families_->Collect();
  auto process = process_->Collect();
  all.insert(all.end(), std::make_move_iterator(process.begin()), std::make_move_iterator(process.end()));
  std::sort(all.begin(), all.end(), [](auto& a, auto& b) { return a.name < b.name; });
  return all;
}

std::string registry::text() const { return prometheus::TextSerializer{}.Serialize(collect()); }

} // namespace mana::metrics
