#include "http/server/incoming.hpp"

#include "http/server/error_response.hpp"
#include "http/server/target.hpp"
#include "infra/tracing/trace_context.hpp"

#include <algorithm>
#include <limits>

namespace mana::http {

namespace beast = boost::beast;

namespace {

std::string lower_case(beast::string_view s) {
  std::string out{s.data(), s.size()};
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

response bad_request(std::string_view text) { return error_response(400, "BAD_REQUEST", text); }

} // namespace

void set_limits(request_parser& p, const server_config& cfg) {
  p.header_limit(static_cast<std::uint32_t>(cfg.max_header_bytes));
  p.body_limit(std::numeric_limits<std::uint64_t>::max());
}

response body_too_large() { return error_response(413, "LIMIT_EXCEEDED", "the request body is too large"); }

std::optional<response> refused_header(const request_parser& p) {
  // A coding that the parser does not undo would leave the body's end to guesswork.
  if (p.get().count(beast::http::field::transfer_encoding) > 0 && !p.chunked())
    return bad_request("only the transfer encoding chunked is supported");
  return std::nullopt;
}

std::optional<response> refused_bytes(const boost::system::error_code& ec) {
  if (ec.category() != make_error_code(beast::http::error::end_of_stream).category()
      || ec == beast::http::error::end_of_stream || ec == beast::http::error::partial_message)
    return std::nullopt;
  if (ec == beast::http::error::body_limit)
    return body_too_large();
  if (ec == beast::http::error::header_limit)
    return error_response(431, "LIMIT_EXCEEDED", "the request header is too large");
  return bad_request("the request is not valid HTTP");
}

span_context trace_parent(const request_parser& p) {
  auto& m = p.get();
  auto field = m.find(beast::string_view{tracing::traceparent_name.data(), tracing::traceparent_name.size()});
  if (field == m.end() || m.count(field->name_string()) != 1)
    return {};
  return tracing::parse_traceparent({field->value().data(), field->value().size()}).value_or(span_context{});
}

result<request> request_head(const request_parser& p) {
  auto& m = p.get();
  if (m.version() >= 11 && m.count(beast::http::field::host) != 1)
    return failure{errc::bad_request, "the Host header is missing or repeated"};
  auto target = parse_target({m.target().data(), m.target().size()});
  if (!target)
    return std::move(target).error();
  request out;
  out.method = std::string{m.method_string()};
  out.path = std::move(target->path);
  out.segments = std::move(target->segments);
  out.query = std::move(target->query);
  for (auto& field : m) {
    auto& value = out.headers[lower_case(field.name_string())];
    value += value.empty() ? "" : ", ";
    value.append(field.value().data(), field.value().size());
  }
  return out;
}

} // namespace mana::http
