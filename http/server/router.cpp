#include "http/server/router.hpp"

#include "http/server/error_response.hpp"

#include <algorithm>
#include <cassert>

namespace mana::http {

namespace {

bool is_parameter(std::string_view segment) { return segment.starts_with('{') && segment.ends_with('}'); }

std::vector<std::string> split(std::string_view pattern) {
  std::vector<std::string> out;
  for (bool more = pattern.starts_with('/'); more;) {
    pattern.remove_prefix(1);
    auto end = pattern.find('/');
    out.emplace_back(pattern.substr(0, end));
    more = end != pattern.npos;
    pattern.remove_prefix(std::min(end, pattern.size()));
  }
  return out;
}

response no_content(std::string allow) {
  response out;
  out.status = 204;
  out.headers.emplace_back("Allow", std::move(allow));
  return out;
}

} // namespace

router::route& router::with_pattern([[maybe_unused]] const std::string& method, const std::string& pattern) {
  assert(pattern.starts_with('/') && !contains(method, pattern));
  auto i = std::find_if(routes_.begin(), routes_.end(), [&](auto& r) { return r.pattern == pattern; });
  if (i == routes_.end())
    i = routes_.insert(i, route{pattern, split(pattern), {}, {}, {}});
  return *i;
}

void router::add(const std::string& method, const std::string& pattern, handler h) {
  with_pattern(method, pattern).by_method.emplace(method, std::move(h));
}

void router::add_set(const std::string& method, const std::string& pattern, path_set includes, handler h) {
  auto& r = with_pattern(method, pattern);
  r.includes = std::move(includes);
  r.by_method.emplace(method, std::move(h));
}

bool router::contains(const std::string& method, const std::string& pattern) const {
  return std::any_of(routes_.begin(), routes_.end(),
                     [&](auto& r) { return r.pattern == pattern && r.by_method.contains(method); });
}

std::set<std::pair<std::string, std::string>> router::all() const {
  std::set<std::pair<std::string, std::string>> out;
  for (auto& r : routes_)
    for (auto& [method, h] : r.by_method)
      out.emplace(method, r.pattern);
  return out;
}

void router::add(const std::string& method, const std::string& pattern, handler h, body_rule rule) {
  auto& r = with_pattern(method, pattern);
  r.by_method.emplace(method, std::move(h));
  r.rules.emplace(method, std::move(rule));
}

std::function<const body_rule*(const request&)> router::as_body_rules() const {
  auto shared = std::make_shared<const routes>(routes_);
  return [shared](const request& req) -> const body_rule* {
    auto copy = req; // matching notes the path's parameters
    auto r = std::find_if(shared->begin(), shared->end(), [&](auto& candidate) { return matches(candidate, copy); });
    if (r == shared->end())
      return nullptr;
    auto rule = r->rules.find(req.method);
    return rule == r->rules.end() ? nullptr : &rule->second;
  };
}

handler router::as_handler() const {
  auto shared = std::make_shared<const routes>(routes_);
  return [shared](request req) { return answer(shared, std::move(req)); };
}

bool router::matches(const route& r, request& req) {
  if (r.includes)
    return r.includes(req);
  auto fits = [](const std::string& pattern, const std::string& segment) {
    return is_parameter(pattern) ? !segment.empty() : pattern == segment;
  };
  if (!std::equal(r.segments.begin(), r.segments.end(), req.segments.begin(), req.segments.end(), fits))
    return false;
  for (std::size_t i = 0; i < r.segments.size(); ++i)
    if (is_parameter(r.segments[i]))
      req.path_params[r.segments[i].substr(1, r.segments[i].size() - 2)] = req.segments[i];
  return true;
}

std::string router::allowed(const route& r) {
  std::set<std::string> methods{"OPTIONS"};
  for (auto& [method, h] : r.by_method)
    methods.insert(method);
  if (methods.contains("GET"))
    methods.insert("HEAD");
  std::string out;
  for (auto& m : methods)
    (out += out.empty() ? "" : ", ") += m;
  return out;
}

boost::asio::awaitable<response> router::answer(std::shared_ptr<const routes> rs, request req) {
  if (req.path == "*" && req.method == "OPTIONS")
    co_return no_content("DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT");
  auto r = std::find_if(rs->begin(), rs->end(), [&](auto& candidate) { return matches(candidate, req); });
  if (r == rs->end())
    co_return error_response(404, "NOT_FOUND", "no such route");
  auto method = req.method;
  auto h = r->by_method.find(method);
  if (h == r->by_method.end() && method == "HEAD")
    h = r->by_method.find("GET");
  response out;
  if (h != r->by_method.end()) {
    out = co_await h->second(std::move(req));
  } else if (method == "OPTIONS") {
    out = no_content(allowed(*r));
  } else {
    out = error_response(405, "METHOD_NOT_ALLOWED", "the route does not know this method");
    out.headers.emplace_back("Allow", allowed(*r));
  }
  out.route = r->pattern;
  co_return out;
}

} // namespace mana::http
