#include "http/server/cors.hpp"

#include <algorithm>
#include <string_view>

namespace mana::http {

namespace {

constexpr const char* methods = "GET, POST, PUT, PATCH, DELETE";
constexpr const char* request_headers = "authorization, content-type, traceparent, tracestate";
constexpr const char* preflight_seconds = "600";

bool is_preflight(const request& req) {
  return req.method == "OPTIONS" && req.headers.contains("access-control-request-method");
}

} // namespace

header_list cors_headers(const std::vector<std::string>& origins, const request& req) {
  std::string_view path = req.path;
  if (origins.empty() || !(path.starts_with("/api/") || path.starts_with("/sync/")))
    return {};
  // Also without an origin: a cache must not give that answer to a browser that has one.
  header_list out{{"Vary", "Origin"}};
  auto origin = req.headers.find("origin");
  if (origin == req.headers.end() || std::find(origins.begin(), origins.end(), origin->second) == origins.end())
    return out;
  out.emplace_back("Access-Control-Allow-Origin", origin->second);
  out.emplace_back("Access-Control-Allow-Credentials", "true");
  if (is_preflight(req)) {
    out.emplace_back("Access-Control-Allow-Methods", methods);
    out.emplace_back("Access-Control-Allow-Headers", request_headers);
    out.emplace_back("Access-Control-Max-Age", preflight_seconds);
  } else {
    out.emplace_back("Access-Control-Expose-Headers", "Retry-After");
  }
  return out;
}

} // namespace mana::http
