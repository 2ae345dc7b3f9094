#include "infra/json/value.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#include <simdjson.h>

#include <algorithm>
#include <charconv>

namespace mana::json {

// -- object ---------------------------------------------------------------------------------------

object::object() = default;
object::object(std::initializer_list<member> members) : members_(members) {}
object::object(const object&) = default;
object::object(object&&) noexcept = default;
object& object::operator=(const object&) = default;
object& object::operator=(object&&) noexcept = default;
object::~object() = default;

bool object::empty() const noexcept { return members_.empty(); }
std::size_t object::size() const noexcept { return members_.size(); }
std::vector<member>::iterator object::begin() noexcept { return members_.begin(); }
std::vector<member>::iterator object::end() noexcept { return members_.end(); }
std::vector<member>::const_iterator object::begin() const noexcept { return members_.begin(); }
std::vector<member>::const_iterator object::end() const noexcept { return members_.end(); }

const value* object::find(std::string_view key) const noexcept {
  auto i = std::find_if(members_.begin(), members_.end(), [&](const member& m) { return m.first == key; });
  return i == members_.end() ? nullptr : &i->second;
}

value* object::find(std::string_view key) noexcept {
  return const_cast<value*>(static_cast<const object*>(this)->find(key));
}

value& object::set(std::string_view key, value v) {
  if (auto* known = find(key)) {
    *known = std::move(v);
    return *known;
  }
  return members_.emplace_back(std::string{key}, std::move(v)).second;
}

bool object::erase(std::string_view key) {
  return std::erase_if(members_, [&](const member& m) { return m.first == key; }) > 0;
}

bool operator==(const object& a, const object& b) {
  return a.size() == b.size() && std::all_of(a.begin(), a.end(), [&](const member& m) {
           auto* other = b.find(m.first);
           return other != nullptr && *other == m.second;
         });
}

// -- value ----------------------------------------------------------------------------------------

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

std::optional<std::int64_t> value::as_integer() const {
  auto* n = as_number();
  if (n == nullptr)
    return std::nullopt;
  std::int64_t i = 0;
  auto end = n->text.data() + n->text.size();
  auto [p, ec] = std::from_chars(n->text.data(), end, i);
  if (ec == std::errc{} && p == end)
    return i;
  // jsonb may write an integer as 9.0 or 9e0.
  auto d = as_double();
  if (d && *d >= -9007199254740992.0 && *d <= 9007199254740992.0
      && *d == static_cast<double>(static_cast<std::int64_t>(*d)))
    return static_cast<std::int64_t>(*d);
  return std::nullopt;
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
    case sj::ondemand::json_type::null: out = nullptr; return in.is_null() ? sj::SUCCESS : sj::N_ATOM_ERROR;
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

// The length of the well-formed UTF-8 sequence at s[i] (RFC 3629), 0 when there is none.
std::size_t sequence_length(std::string_view s, std::size_t i) {
  auto byte = [&](std::size_t k) { return k < s.size() ? static_cast<unsigned char>(s[k]) : 0u; };
  auto continues = [&](std::size_t k, unsigned lo = 0x80, unsigned hi = 0xBF) {
    return byte(k) >= lo && byte(k) <= hi;
  };
  auto b = byte(i);
  if (b < 0x80)
    return 1;
  if (b >= 0xC2 && b <= 0xDF)
    return continues(i + 1) ? 2 : 0;
  if (b >= 0xE0 && b <= 0xEF) {
    auto lo = b == 0xE0 ? 0xA0u : 0x80u;
    auto hi = b == 0xED ? 0x9Fu : 0xBFu;
    return continues(i + 1, lo, hi) && continues(i + 2) ? 3 : 0;
  }
  if (b >= 0xF0 && b <= 0xF4) {
    auto lo = b == 0xF0 ? 0x90u : 0x80u;
    auto hi = b == 0xF4 ? 0x8Fu : 0xBFu;
    return continues(i + 1, lo, hi) && continues(i + 2) && continues(i + 3) ? 4 : 0;
  }
  return 0;
}

bool is_utf8(std::string_view s) { return sj::validate_utf8(s.data(), s.size()); }

std::string repaired(std::string_view s) {
  std::string out;
  for (std::size_t i = 0; i < s.size();) {
    if (auto n = sequence_length(s, i); n > 0) {
      out.append(s, i, n);
      i += n;
    } else {
      out += "\xEF\xBF\xBD";
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
