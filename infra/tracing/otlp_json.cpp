#include "infra/tracing/otlp_json.hpp"

#include "infra/json/value.hpp"
#include "infra/tracing/header_text.hpp"

#include <algorithm>
#include <charconv>

namespace mana::tracing {

namespace {

// Span flags of OTLP beside the eight of W3C: whether the parent is remote is known, and whether it is.
constexpr std::int64_t sampled_flag = 1;
constexpr std::int64_t knows_remote = 0x100;
constexpr std::int64_t is_remote = 0x200;
constexpr std::int64_t status_error = 2;

template <std::size_t N>
std::string text_of(const std::array<char, N>& hex) {
  return {hex.data(), hex.size()};
}

std::string nanoseconds_text(unix_time t) { return std::to_string(t.time_since_epoch().count()); }

json::object key_value(std::string_view key, const attribute_value& value) {
  json::object any;
  if (auto* text = std::get_if<std::string>(&value))
    any.set("stringValue", *text);
  else
    any.set("intValue", std::to_string(std::get<std::int64_t>(value)));
  return {{"key", std::string{key}}, {"value", std::move(any)}};
}

json::value to_json(const ended_span& s) {
  auto& started = s.started;
  json::array attributes;
  for (auto& [key, value] : s.attributes)
    attributes.emplace_back(key_value(key, value));
  json::object out{{"traceId", text_of(to_hex(started.context.trace))},
                   {"spanId", text_of(to_hex(started.context.span))}};
  if (started.parent.valid())
    out.set("parentSpanId", text_of(to_hex(started.parent)));
  out.set("flags", sampled_flag | knows_remote | (started.parent_is_remote ? is_remote : 0));
  out.set("name", s.name);
  out.set("kind", static_cast<std::int64_t>(s.kind));
  out.set("startTimeUnixNano", nanoseconds_text(started.start));
  out.set("endTimeUnixNano", nanoseconds_text(s.end));
  out.set("attributes", std::move(attributes));
  if (s.failed)
    out.set("status", json::object{{"code", status_error}});
  return out;
}

// A token of RFC 9110.
bool is_name(std::string_view s) {
  constexpr std::string_view others = "!#$%&'*+-.^_`|~";
  return !s.empty() && std::all_of(s.begin(), s.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || others.find(c) != others.npos;
  });
}

// Empty: not percent-encoded text, or no value of a header.
std::string decoded_value(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = static_cast<unsigned char>(text[i]);
    if (text[i] == '%') {
      auto digits = text.substr(i + 1, 2);
      auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
      if (digits.size() < 2 || ec != std::errc{} || end != digits.data() + 2)
        return {};
      i += 2;
    }
    if (byte < 0x20 || byte > 0x7E)
      return {};
    out += static_cast<char>(byte);
  }
  return out;
}

} // namespace

std::string to_otlp(const ended_span& s) { return json::to_text(to_json(s)); }

otlp_frame otlp_frame_of(const resource& r) {
  json::array attributes;
  for (auto& [key, value] : std::initializer_list<std::pair<std::string_view, const std::string&>>{
           {"service.name", r.service_name},
           {"service.version", r.service_version},
           {"service.instance.id", r.service_instance_id},
       })
    attributes.emplace_back(key_value(key, value));
  auto resource_text = json::to_text(json::object{{"attributes", std::move(attributes)}});
  auto scope_text = json::to_text(json::object{{"name", "mana-ai"}, {"version", r.service_version}});
  return {R"({"resourceSpans":[{"resource":)" + resource_text + R"(,"scopeSpans":[{"scope":)" + scope_text
              + R"(,"spans":[)",
          "]}]}]}"};
}

std::string otlp_body(const otlp_frame& frame, std::span<const std::string_view> spans) {
  auto size = frame.before.size() + frame.after.size();
  for (auto& s : spans)
    size += s.size() + 1;
  std::string out;
  out.reserve(size);
  out += frame.before;
  for (std::size_t i = 0; i < spans.size(); ++i)
    (out += i == 0 ? "" : ",") += spans[i];
  return out += frame.after;
}

std::size_t rejected_spans(std::string_view answer) {
  auto document = json::parse(answer);
  auto* partial = document ? document->find("partialSuccess") : nullptr;
  auto* count = partial != nullptr ? partial->find("rejectedSpans") : nullptr;
  if (count == nullptr)
    return 0;
  std::int64_t n = count->as_integer().value_or(0);
  if (auto* text = count->as_string())
    std::from_chars(text->data(), text->data() + text->size(), n);
  return n > 0 ? static_cast<std::size_t>(n) : 0;
}

result<std::vector<std::pair<std::string, std::string>>> parse_otlp_headers(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> out;
  while (!text.empty()) {
    auto comma = text.find(',');
    auto member = without_blanks(text.substr(0, comma));
    text.remove_prefix(comma == text.npos ? text.size() : comma + 1);
    if (member.empty())
      continue;
    auto equals = member.find('=');
    std::string name{without_blanks(member.substr(0, equals))};
    auto value = equals == member.npos ? std::string{} : decoded_value(without_blanks(member.substr(equals + 1)));
    if (!is_name(name) || value.empty())
      return failure{errc::config_invalid, "must be a list of name=value, separated by commas, with values that are "
                                           "visible ASCII or percent-encoded"};
    out.emplace_back(std::move(name), std::move(value));
  }
  return out;
}

} // namespace mana::tracing
