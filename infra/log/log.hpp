// Structured log: one JSON object per line on stderr, `{"time":…,"level":…,"event":…,<fields>}`.
//
//   log::info("run_finished", {{"user", user}, {"attempt", 2}, {"llm", 840ms}});
//
// `event` and field names are literals in snake_case: what varies goes into fields; a field with an
// empty text is left out, and an id of a trace or span that is none. Never a key, a password, a prompt or a model's
// answer. Callable from any thread; a line is one write(2).
//
// Lines of a request, a run or an attempt at the LLM name its trace: `trace_id` and `span_id`.
#pragma once

#include "messages/errors.hpp"
#include "messages/ids.hpp"
#include "messages/span.hpp"
#include "messages/timestamp.hpp"

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace mana::log {

enum class level : std::uint8_t { debug, info, warn, error };

std::string_view to_string(level l) noexcept;
// debug, info, warn or error.
std::optional<level> parse_level(std::string_view text) noexcept;

// A name with a value; refers to both, so it lives no longer than the call it is an argument of.
class field {
public:
  using content = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool, std::chrono::microseconds,
                               timestamp, trace_id, span_id>;

  field(std::string_view name, std::string_view text) : name_(name), value_(text) {}
  field(std::string_view name, const std::string& text) : field(name, std::string_view{text}) {}
  field(std::string_view name, const char* text) : field(name, std::string_view{text}) {}
  field(std::string_view name, const user_id& id) : field(name, id.value) {}
  field(std::string_view name, const mission_id& id) : field(name, id.value) {}
  field(std::string_view name, const trace_id& id) : name_(name), value_(id) {}
  field(std::string_view name, const span_id& id) : name_(name), value_(id) {}
  field(std::string_view name, errc code) : field(name, mana::to_string(code)) {}
  field(std::string_view name, std::same_as<bool> auto b) : name_(name), value_(b) {}
  field(std::string_view name, std::floating_point auto d) : name_(name), value_(static_cast<double>(d)) {}
  field(std::string_view name, std::signed_integral auto n) : name_(name), value_(static_cast<std::int64_t>(n)) {}
  template <std::unsigned_integral T>
  requires(!std::same_as<T, bool>) field(std::string_view name, T n)
    : name_(name), value_(static_cast<std::uint64_t>(n)) {}
  // Written in milliseconds; the name gets the suffix `_ms` unless it has it.
  template <class Rep, class Period>
  field(std::string_view name, std::chrono::duration<Rep, Period> d)
    : name_(name), value_(std::chrono::duration_cast<std::chrono::microseconds>(d)) {}
  field(std::string_view name, timestamp t) : name_(name), value_(t) {}

  std::string_view name() const noexcept { return name_; }
  const content& value() const noexcept { return value_; }

private:
  std::string_view name_;
  content value_;
};

using fields = std::initializer_list<field>;

// Texts of fields are cut at so many bytes, between code points, and end in an ellipsis then.
inline constexpr std::size_t max_text = 500;

// The line without its newline: always one valid JSON object, bad UTF-8 is replaced.
std::string line(timestamp now, level l, std::string_view event, fields fs);

void write(level l, std::string_view event, fields fs = {});
inline void debug(std::string_view event, fields fs = {}) { write(level::debug, event, fs); }
inline void info(std::string_view event, fields fs = {}) { write(level::info, event, fs); }
inline void warn(std::string_view event, fields fs = {}) { write(level::warn, event, fs); }
inline void error(std::string_view event, fields fs = {}) { write(level::error, event, fs); }

// Lines below this level are dropped; `info` at start.
void set_level(level lowest) noexcept;

// Where lines (with their newline) go, one call at a time; an empty function means stderr again.
void set_sink(std::function<void(std::string_view)> sink);

} // namespace mana::log
