// A JSON document in memory that can be changed, for records of the change log. Parsing is
// simdjson's, writing RapidJSON's. Numbers keep their text: jsonb holds numerics of any size and a
// record that passes through the runner must not lose a digit.
#pragma once

#include "messages/result.hpp"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace mana::json {

class value;

// A number as it was written, always a valid JSON number token.
struct number {
  std::string text;
  friend bool operator==(const number&, const number&) = default;
};

using array = std::vector<value>;
using member = std::pair<std::string, value>;

// Members in document order; of two members with one name the later one was kept by parse().
// Large objects carry a hash index, so that a document cannot cost time quadratic in its size:
// names must not be changed through the iterators.
class object {
public:
  object();
  object(std::initializer_list<member> members);
  object(const object&);
  object(object&&) noexcept;
  object& operator=(const object&);
  object& operator=(object&&) noexcept;
  ~object();

  value* find(std::string_view key) noexcept;
  const value* find(std::string_view key) const noexcept;
  // Replaces the member's value, or appends the member.
  value& set(std::string_view key, value v);
  bool erase(std::string_view key);
  bool empty() const noexcept;
  std::size_t size() const noexcept;
  std::vector<member>::iterator begin() noexcept;
  std::vector<member>::iterator end() noexcept;
  std::vector<member>::const_iterator begin() const noexcept;
  std::vector<member>::const_iterator end() const noexcept;
  // Same members, whatever their order.
  friend bool operator==(const object& a, const object& b);

private:
  std::size_t position(std::string_view key) const noexcept;
  void add_to_index(std::size_t position) noexcept;
  void rebuild_index();

  std::vector<member> members_;
  std::vector<std::uint32_t> index_; // open addressing: 0 is free, else position + 1; empty when small
};

class value {
public:
  value() noexcept = default; // null
  value(std::nullptr_t) noexcept {}
  value(bool b) : content_(b) {}
  value(std::int64_t n);
  value(int n) : value(static_cast<std::int64_t>(n)) {}
  value(number n) : content_(std::move(n)) {}
  value(std::string s) : content_(std::move(s)) {}
  value(std::string_view s) : content_(std::string{s}) {}
  value(const char* s) : content_(std::string{s}) {}
  value(array a) : content_(std::move(a)) {}
  value(object o) : content_(std::move(o)) {}

  bool is_null() const noexcept { return std::holds_alternative<std::monostate>(content_); }
  const bool* as_bool() const noexcept { return std::get_if<bool>(&content_); }
  const number* as_number() const noexcept { return std::get_if<number>(&content_); }
  std::string* as_string() noexcept { return std::get_if<std::string>(&content_); }
  const std::string* as_string() const noexcept { return std::get_if<std::string>(&content_); }
  array* as_array() noexcept { return std::get_if<array>(&content_); }
  const array* as_array() const noexcept { return std::get_if<array>(&content_); }
  object* as_object() noexcept { return std::get_if<object>(&content_); }
  const object* as_object() const noexcept { return std::get_if<object>(&content_); }

  // The number as a double when it is in range, or as an integer when it is exactly one and fits.
  std::optional<double> as_double() const;
  std::optional<std::int64_t> as_integer() const;

  // A member of an object; nullptr when this is no object or has no such member.
  const value* find(std::string_view key) const noexcept;
  // The text of a string member, else an empty view.
  std::string_view text(std::string_view key) const noexcept;

  friend bool operator==(const value&, const value&) = default;

private:
  std::variant<std::monostate, bool, number, std::string, array, object> content_;
};

// The whole text must be one JSON document, at most max_depth levels deep.
inline constexpr std::size_t max_depth = 64;
result<value> parse(std::string_view text);

// Compact JSON. Strings with invalid UTF-8 (which parse() never yields) have the bad bytes
// replaced by U+FFFD, so the result is always a valid document.
std::string to_text(const value& v);

} // namespace mana::json
