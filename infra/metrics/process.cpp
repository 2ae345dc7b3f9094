#include "infra/metrics/process.hpp"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <unistd.h>

namespace mana::metrics {

namespace {

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t n = 0;
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  return ec == std::errc{} && end == text.data() + text.size() ? std::optional{n} : std::nullopt;
}

// The n-th word, counted from 0.
std::string_view word(std::string_view text, std::size_t n) {
  constexpr auto blanks = " \t\r\n";
  for (;;) {
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
    auto w = text.substr(0, text.find_first_of(blanks));
    if (n-- == 0 || w.empty())
      return w;
    text.remove_prefix(w.size());
  }
}

std::string content(const char* path) {
  std::ifstream in{path};
  return {std::istreambuf_iterator<char>{in}, {}};
}

std::optional<double> open_fds() {
  std::error_code ec;
  std::filesystem::directory_iterator i{"/proc/self/fd", ec};
  double n = 0;
  for (; !ec && i != std::filesystem::directory_iterator{}; i.increment(ec))
    ++n;
  return ec ? std::nullopt : std::optional{n - 1}; // one of them is the directory itself
}

} // namespace

std::optional<process_stat> parse_stat(std::string_view text) {
  // The second field is the program's name in parentheses; it may hold blanks and parentheses.
  auto name_end = text.rfind(')');
  if (name_end == text.npos)
    return std::nullopt;
  text.remove_prefix(name_end + 1);
  auto field = [&](std::size_t one_based) { return number(word(text, one_based - 3)); };
  auto user = field(14);
  auto system = field(15);
  auto start = field(22);
  auto pages = field(24);
  if (!user || !system || !start || !pages)
    return std::nullopt;
  return process_stat{*user + *system, *start, *pages};
}

std::optional<std::uint64_t> parse_boot_time(std::string_view text) {
  constexpr std::string_view key = "\nbtime ";
  auto at = text.find(key);
  return at == text.npos ? std::nullopt : number(word(text.substr(at + key.size()), 0));
}

process_collector::process_collector(prometheus::Labels constant) : constant_(std::move(constant)) {}

std::vector<prometheus::MetricFamily> process_collector::Collect() const {
  std::vector<prometheus::MetricFamily> out;
  auto add = [&](const char* name, const char* help, prometheus::MetricType type, double value) {
    prometheus::ClientMetric m;
    for (auto& [key, text] : constant_)
      m.label.push_back({key, text});
    (type == prometheus::MetricType::Counter ? m.counter.value : m.gauge.value) = value;
    out.push_back({std::string{"mana_ai_process_"} + name, help, type, {std::move(m)}});
  };
  auto ticks_per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
  if (auto stat = parse_stat(content("/proc/self/stat"))) {
    add("cpu_seconds_total", "User and system CPU time.", prometheus::MetricType::Counter,
        static_cast<double>(stat->cpu_ticks) / ticks_per_second);
    add("resident_memory_bytes", "Resident memory.", prometheus::MetricType::Gauge,
        static_cast<double>(stat->resident_pages) * static_cast<double>(::sysconf(_SC_PAGESIZE)));
    if (auto boot = parse_boot_time(content("/proc/stat")))
      add("start_time_seconds", "Start of the process, seconds of the epoch.", prometheus::MetricType::Gauge,
          static_cast<double>(*boot) + static_cast<double>(stat->start_ticks) / ticks_per_second);
  }
  if (auto n = open_fds())
    add("open_fds", "Open file descriptors.", prometheus::MetricType::Gauge, *n);
  return out;
}

} // namespace mana::metrics
