#include "infra/log/log.hpp"

#include "infra/json/value.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <mutex>

#include <unistd.h>

namespace mana::log {

std::string_view to_string(level l) noexcept {
  switch (l) {
    case level::debug: return "debug";
    case level::info: return "info";
    case level::warn: return "warn";
    case level::error: return "error";
  }
  return "error";
}

std::optional<level> parse_level(std::string_view text) noexcept {
  for (auto l : {level::debug, level::info, level::warn, level::error})
    if (to_string(l) == text)
      return l;
  return std::nullopt;
}

namespace {

constexpr std::string_view ellipsis = "\xE2\x80\xA6";

std::string cut(std::string_view text) {
  if (text.size() <= max_text)
    return std::string{text};
  auto end = max_text - ellipsis.size();
  auto continues = [&](std::size_t i) { return (static_cast<unsigned char>(text[i]) & 0xC0u) == 0x80u; };
  for (int i = 0; i < 3 && continues(end); ++i)
    --end;
  return std::string{text.substr(0, end)} += ellipsis;
}

json::value to_json(double d) {
  if (!std::isfinite(d))
    return nullptr;
  char buffer[32];
  auto end = std::to_chars(buffer, buffer + sizeof buffer, d).ptr;
  return json::number{std::string{buffer, end}};
}
json::value to_json(std::string_view text) { return cut(text); }
json::value to_json(std::int64_t n) { return n; }
json::value to_json(std::uint64_t n) { return json::number{std::to_string(n)}; }
json::value to_json(bool b) { return b; }
template <std::size_t N>
json::value to_json(const std::array<char, N>& hex) {
  return std::string_view{hex.data(), hex.size()};
}
json::value to_json(const trace_id& id) { return to_json(to_hex(id)); }
json::value to_json(const span_id& id) { return to_json(to_hex(id)); }
json::value to_json(timestamp t) { return to_iso(t); }
json::value to_json(std::chrono::microseconds d) { return to_json(static_cast<double>(d.count()) / 1000.0); }

bool is_left_out(const field& f) {
  if (auto* text = std::get_if<std::string_view>(&f.value()))
    return text->empty();
  if (auto* trace = std::get_if<trace_id>(&f.value()))
    return !trace->valid();
  auto* span = std::get_if<span_id>(&f.value());
  return span != nullptr && !span->valid();
}

std::string json_name(const field& f) {
  std::string name{f.name()};
  if (std::holds_alternative<std::chrono::microseconds>(f.value()) && !name.ends_with("_ms"))
    name += "_ms";
  return name;
}

void write_to_stderr(std::string_view text) {
  while (!text.empty()) {
    auto n = ::write(STDERR_FILENO, text.data(), text.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return; // nobody reads the log: there is no place to say so
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

struct shared_state {
  std::atomic<level> lowest{level::info};
  std::mutex mutex; // a line longer than PIPE_BUF would not be atomic without it
  std::function<void(std::string_view)> sink = write_to_stderr;
};

// Never destroyed: threads that outlive main() may still log.
shared_state& state() {
  static auto& s = *new shared_state;
  return s;
}

} // namespace

std::string line(timestamp now, level l, std::string_view event, fields fs) {
  json::object o{{"time", to_iso(now)}, {"level", to_string(l)}, {"event", cut(event)}};
  for (auto& f : fs)
    if (!is_left_out(f))
      o.set(json_name(f), std::visit([](auto v) { return to_json(v); }, f.value()));
  return json::to_text(std::move(o));
}

void write(level l, std::string_view event, fields fs) {
  auto& s = state();
  if (l < s.lowest.load(std::memory_order_relaxed))
    return;
  auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  auto text = line(now, l, event, fs) += '\n';
  std::lock_guard guard{s.mutex};
  s.sink(text);
}

void set_level(level lowest) noexcept { state().lowest = lowest; }

void set_sink(std::function<void(std::string_view)> sink) {
  auto& s = state();
  std::lock_guard guard{s.mutex};
  if (sink)
    s.sink = std::move(sink);
  else
    s.sink = write_to_stderr;
}

} // namespace mana::log
