// The process's own metrics, read from /proc at every scrape: CPU seconds, resident memory, open
// file descriptors, start time. What cannot be read is left out.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/labels.h>
#include <prometheus/metric_family.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace mana::metrics {

// The fields of /proc/<pid>/stat (proc(5)) that are used here.
struct process_stat {
  std::uint64_t cpu_ticks = 0;   // user and system time, in clock ticks
  std::uint64_t start_ticks = 0; // after boot, in clock ticks
  std::uint64_t resident_pages = 0;
  friend bool operator==(const process_stat&, const process_stat&) = default;
};
std::optional<process_stat> parse_stat(std::string_view text);

// `btime` of /proc/stat: when the machine booted, in seconds of the epoch.
std::optional<std::uint64_t> parse_boot_time(std::string_view text);

class process_collector final : public prometheus::Collectable {
public:
  explicit process_collector(prometheus::Labels constant);
  std::vector<prometheus::MetricFamily> Collect() const override;

private:
  prometheus::Labels constant_;
};

} // namespace mana::metrics
