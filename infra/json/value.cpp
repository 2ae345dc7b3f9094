#include "infra/json/value.hpp"

#include "infra/json/utf8.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#include <simdjson.h>

#include <algorithm>
#include <charconv>

namespace mana::json {

// -- value ----------------------------------------------------------------------------------------

// An exponent beyond it is no integer that fits, or zero; it bounds the work for `1e999999999`.
static constexpr std::int64_t max_exponent = 1000;

value::value(std::int64_t n) : content_(number{std::to_string(n)}) {}

std::optional<double> value::as_double() const {
  auto* n = as_number();
  if (n == nullptr)
    return std::nullopt;
  double d = 0;
  auto end = n->text.data() + n->text.size();
  auto [p, ec] = std::from_chars(n->text.data(), end, d);
  if (ec != std::errc{} || p != end)
    return std::nullopt;
  return d;
}

// A number may be an integer without looking like one: 9.0, 90e-1, 9e0. Exact, since a double is not.
std::optional<std::int64_t> value::as_integer() const {
  auto* n = as_number();
  if (n == nullptr)
    return std::nullopt;
  std::string_view text = n->text;
  auto mantissa = text.substr(0, text.find_first_of("eE"));
  std::int64_t exponent = 0;
  if (mantissa.size() < text.size()) {
    auto digits = text.substr(mantissa.size() + 1);
    digits.remove_prefix(digits.starts_with('+') ? 1 : 0);
    auto [p, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
    if (ec != std::errc{} || exponent < -max_exponent || exponent > max_exponent)
      return std::nullopt;
  }
  auto point = mantissa.find('.');
  std::string digits{mantissa.substr(0, point)};
  if (point != std::string_view::npos) {
    auto fraction = mantissa.substr(point + 1);
    digits += fraction;
    exponent -= static_cast<std::int64_t>(fraction.size());
  }
  for (; exponent < 0 && digits.ends_with('0'); ++exponent)
    digits.pop_back();
  if (digits.empty() || digits == "-")
    return 0;
  if (exponent < 0)
    return std::nullopt;
  auto first = digits.find_first_not_of("-0");
  if (first == std::string::npos)
    return 0;
  digits.append(static_cast<std::size_t>(exponent), '0');
  std::int64_t i = 0;
  auto end = digits.data() + digits.size();
  auto [p, ec] = std::from_chars(digits.data(), end, i);
  return ec == std::errc{} && p == end ? std::optional{i} : std::nullopt;
}

const value* value::find(std::string_view key) const noexcept {
  auto* o = as_object();
  return o == nullptr ? nullptr : o->find(key);
}

std::string_view value::text(std::string_view key) const noexcept {
  auto* v = find(key);
  auto* s = v == nullptr ? nullptr : v->as_string();
  return s == nullptr ? std::string_view{} : std::string_view{*s};
}

// -- parsing --------------------------------------------------------------------------------------

namespace {

namespace sj = simdjson;

// RFC 8259, section 6. On-demand parsing hands out a scalar's raw token without checking it.
bool is_number(std::string_view s) {
  auto digits = [&] {
    auto n = s.find_first_not_of("0123456789");
    n = n == std::string_view::npos ? s.size() : n;
    s.remove_prefix(n);
    return n;
  };
  if (s.starts_with('-'))
    s.remove_prefix(1);
  if (s.starts_with('0'))
    s.remove_prefix(1);
  else if (digits() == 0)
    return false;
  if (s.starts_with('.')) {
    s.remove_prefix(1);
    if (digits() == 0)
      return false;
  }
  if (s.starts_with('e') || s.starts_with('E')) {
    s.remove_prefix(1);
    if (s.starts_with('+') || s.starts_with('-'))
      s.remove_prefix(1);
    if (digits() == 0)
      return false;
  }
  return s.empty();
}

sj::error_code read_number(std::string_view token, value& out) {
  auto end = token.find_last_not_of(" \t\r\n");
  token = token.substr(0, end == std::string_view::npos ? 0 : end + 1);
  if (!is_number(token))
    return sj::NUMBER_ERROR;
  out = number{std::string{token}};
  return sj::SUCCESS;
}

// `Source` is an on-demand document (a scalar at the top) or value.
template <class Source>
sj::error_code read_scalar(Source& in, sj::ondemand::json_type type, value& out) {
  switch (type) {
    case sj::ondemand::json_type::string: {
      std::string_view s;
      if (auto e = in.get_string().get(s))
        return e;
      out = s;
      return sj::SUCCESS;
    }
    case sj::ondemand::json_type::boolean: {
      bool b = false;
      if (auto e = in.get_bool().get(b))
        return e;
      out = b;
      return sj::SUCCESS;
    }
    case sj::ondemand::json_type::null: {
      bool is_null = false;
      if (auto e = in.is_null().get(is_null))
        return e;
      out = nullptr;
      return is_null ? sj::SUCCESS : sj::N_ATOM_ERROR;
    }
    default: {
      std::string_view token;
      if (auto e = sj::simdjson_result<std::string_view>(in.raw_json_token()).get(token))
        return e;
      return read_number(token, out);
    }
  }
}

template <class Source>
sj::error_code read(Source& in, std::size_t depth, value& out);

sj::error_code read_array(sj::ondemand::array in, std::size_t depth, value& out) {
  array elements;
  for (auto element : in) {
    sj::ondemand::value v;
    if (auto e = element.get(v))
      return e;
    if (auto e = read(v, depth + 1, elements.emplace_back()))
      return e;
  }
  out = std::move(elements);
  return sj::SUCCESS;
}

sj::error_code read_object(sj::ondemand::object in, std::size_t depth, value& out) {
  object members;
  for (auto field : in) {
    sj::ondemand::field f;
    if (auto e = std::move(field).get(f))
      return e;
    std::string_view key;
    if (auto e = f.unescaped_key().get(key))
      return e;
    auto& slot = members.set(key, nullptr);
    if (auto e = read(f.value(), depth + 1, slot))
      return e;
  }
  out = std::move(members);
  return sj::SUCCESS;
}

template <class Source>
sj::error_code read(Source& in, std::size_t depth, value& out) {
  if (depth > max_depth)
    return sj::DEPTH_ERROR;
  sj::ondemand::json_type type;
  if (auto e = in.type().get(type))
    return e;
  if (type == sj::ondemand::json_type::array) {
    sj::ondemand::array a;
    if (auto e = in.get_array().get(a))
      return e;
    return read_array(a, depth, out);
  }
  if (type == sj::ondemand::json_type::object) {
    sj::ondemand::object o;
    if (auto e = in.get_object().get(o))
      return e;
    return read_object(o, depth, out);
  }
  return read_scalar(in, type, out);
}

} // namespace

result<value> parse(std::string_view text) {
  // The raw token of a scalar document reaches to the end of the text, unchecked: handle it here.
  if (value n; read_number(text.substr(std::min(text.find_first_not_of(" \t\r\n"), text.size())), n) == sj::SUCCESS)
    return n;
  thread_local sj::ondemand::parser parser;
  sj::padded_string padded{text};
  sj::ondemand::document doc;
  value out;
  auto e = parser.iterate(padded).get(doc);
  if (e == sj::SUCCESS)
    e = read(doc, 1, out);
  // At the end of the text there is no current location: anything else is trailing content.
  if (e == sj::SUCCESS && doc.current_location().error() != sj::OUT_OF_BOUNDS)
    e = sj::TRAILING_CONTENT;
  if (e != sj::SUCCESS)
    return failure{errc::json_malformed, sj::error_message(e)};
  return out;
}

// -- writing --------------------------------------------------------------------------------------

namespace {

using buffer = rapidjson::StringBuffer;
using writer = rapidjson::Writer<buffer, rapidjson::UTF8<>, rapidjson::UTF8<>, rapidjson::CrtAllocator,
                                 rapidjson::kWriteDefaultFlags>;

bool is_utf8(std::string_view s) { return sj::validate_utf8(s.data(), s.size()); }

std::string repaired(std::string_view s) {
  std::string out;
  for (std::size_t i = 0; i < s.size();) {
    if (auto n = utf8_sequence_length(s, i); n > 0) {
      out.append(s, i, n);
      i += n;
    } else {
      out += utf8_replacement;
      ++i;
    }
  }
  return out;
}

void write_string(writer& w, std::string_view s, bool is_key) {
  std::string copy;
  if (!is_utf8(s)) {
    copy = repaired(s);
    s = copy;
  }
  auto n = static_cast<rapidjson::SizeType>(s.size());
  is_key ? w.Key(s.data(), n) : w.String(s.data(), n);
}

void write(writer& w, const value& v) {
  if (auto* s = v.as_string()) {
    write_string(w, *s, false);
  } else if (auto* n = v.as_number()) {
    w.RawValue(n->text.data(), n->text.size(), rapidjson::kNumberType);
  } else if (auto* b = v.as_bool()) {
    w.Bool(*b);
  } else if (auto* a = v.as_array()) {
    w.StartArray();
    for (auto& element : *a)
      write(w, element);
    w.EndArray();
  } else if (auto* o = v.as_object()) {
    w.StartObject();
    for (auto& [key, member_value] : *o) {
      write_string(w, key, true);
      write(w, member_value);
    }
    w.EndObject();
  } else {
    w.Null();
  }
}

} // namespace

std::string to_text(const value& v) {
  buffer out;
  writer w{out};
  write(w, v);
  return {out.GetString(), out.GetSize()};
}

} // namespace mana::json
