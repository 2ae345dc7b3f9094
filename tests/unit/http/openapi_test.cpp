#include "http/audit_routes.hpp"
#include "http/grant_routes.hpp"
#include "http/jwks_routes.hpp"
#include "http/llm_standin_routes.hpp"
#include "http/openapi_routes.hpp"
#include "http/probe_routes.hpp"
#include "http/quarantine_routes.hpp"
#include "http/runner_routes.hpp"
#include "http/server/error_response.hpp"
#include "http/sign_in_routes.hpp"
#include "http/sync_routes.hpp"
#include "http/user_routes.hpp"
#include "http/vault_routes.hpp"
#include "http/version.hpp"
#include "http/web/web_app.hpp"
#include "infra/json/value.hpp"
#include "messages/errors.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace mana;
using namespace mana::http;

namespace {

using route_set = std::set<std::pair<std::string, std::string>>;
using status_and_text = std::pair<unsigned, std::string>;

json::value document() {
  auto v = json::parse(openapi_document());
  return v ? std::move(*v) : json::value{};
}

// Of all targets. That service.cpp adds these and no others is for tests/e2e/openapi.sh, which asks the running
// process.
route_set routes_of_all_targets() {
  router r;
  metrics::registry registry;
  auto auth = std::make_shared<const auth_front>();
  sign_in_front sign_in;
  sign_in.registration = true;
  add_quarantine_routes(r, {});
  add_runner_routes(r, {});
  add_audit_routes(r, {});
  add_user_routes(r, {});
  add_vault_routes(r, auth);
  add_grant_routes(r, auth);
  add_jwks_route(r, "{}");
  add_sign_in_routes(r, std::move(sign_in));
  add_sync_routes(r, std::make_shared<const sync_front>());
  add_probe_routes(r, {}, registry, version);
  add_llm_standin_routes(r, {}, {});
  add_openapi_routes(r);
  add_web_routes(r, std::make_shared<const web_app>());
  return r.all();
}

std::string upper_case(std::string s) {
  std::transform(s.begin(), s.end(), s.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return s;
}

template <class F> // (method, path, operation)
void for_each_operation(const json::value& doc, F f) {
  for (auto& [path, item] : *doc.find("paths")->as_object())
    for (auto& [method, operation] : *item.as_object())
      f(upper_case(method), path, operation);
}

route_set routes_of_document(const json::value& doc) {
  route_set out;
  for_each_operation(doc, [&](const std::string& method, const std::string& path, const json::value& operation) {
    auto* patterns = operation.find("x-mana-patterns");
    if (patterns == nullptr)
      out.emplace(method, path);
    else
      for (auto& p : *patterns->as_array())
        out.emplace(method, *p.as_string());
  });
  return out;
}

std::string names(const route_set& routes) {
  std::string out;
  for (auto& [method, pattern] : routes)
    out += method + ' ' + pattern + '\n';
  return out;
}

std::vector<std::string> segments_of(const std::string& pattern) {
  std::vector<std::string> out;
  std::istringstream rest{pattern.substr(1)};
  for (std::string segment; std::getline(rest, segment, '/');)
    out.push_back(segment);
  return out;
}

// Whether paths of `taken` would otherwise be ones of `other`: it has a word where that has a parameter. Files and
// pages give way to everything, and the web target says so.
bool hides(const std::string& taken, const std::string& other) {
  auto word = segments_of(taken);
  auto open = segments_of(other);
  auto fits = [](auto& a, auto& b) { return a == b || b.starts_with('{'); };
  return taken != other && !other.starts_with("/{")
         && std::equal(word.begin(), word.end(), open.begin(), open.end(), fits);
}

// Of a response, wherever its schema names the codes.
std::vector<std::string> codes_of(const json::value& response) {
  std::vector<std::string> out;
  auto* content = response.find("content");
  auto* media = content == nullptr ? nullptr : content->find("application/json");
  auto* all = media == nullptr ? nullptr : media->find("schema")->find("allOf");
  if (all == nullptr)
    return out;
  for (auto& schema : *all->as_array())
    if (auto* properties = schema.find("properties"))
      for (auto& code : *properties->find("code")->find("enum")->as_array())
        out.push_back(*code.as_string());
  return out;
}

const json::value* resolved(const json::value& doc, const json::value& response) {
  auto reference = response.text("$ref");
  if (reference.empty())
    return &response;
  auto name = reference.substr(reference.rfind('/') + 1);
  return doc.find("components")->find("responses")->find(name);
}

// Those of to_http(), and what the HTTP layer answers of its own accord.
std::set<status_and_text> known_codes() {
  std::set<status_and_text> out{{403, "FORBIDDEN"},      {426, "UPGRADE_REQUIRED"},
                                {404, "NOT_FOUND"},      {503, "SIGNING_NOT_CONFIGURED"},
                                {431, "LIMIT_EXCEEDED"}, {413, "LIMIT_EXCEEDED"}};
  for (int n = 1; n < 256; ++n) {
    auto [status, code] = to_http(static_cast<errc>(n));
    out.emplace(status, code);
  }
  return out;
}

TEST(openapi, describes_the_routes_that_there_are_and_no_others) {
  EXPECT_EQ(names(routes_of_document(document())), names(routes_of_all_targets()));
}

// A user, a mission or an app may have any id, the last word of another route's path, too.
TEST(openapi, no_route_hides_a_value_of_the_parameter_of_another) {
  auto routes = routes_of_all_targets();
  for (auto& [method, taken] : routes)
    for (auto& [other_method, other] : routes)
      EXPECT_FALSE(hides(taken, other)) << taken << " hides a path of " << other;
  EXPECT_TRUE(hides("/internal/missions/release", "/internal/missions/{userId}"));
}

TEST(openapi, is_of_this_version) {
  auto doc = document();
  EXPECT_EQ(doc.text("openapi"), "3.1.0");
  ASSERT_NE(doc.find("info"), nullptr);
  EXPECT_EQ(doc.find("info")->text("version"), version);
}

TEST(openapi, names_codes_only_with_the_status_that_they_have) {
  auto doc = document();
  auto known = known_codes();
  std::size_t seen = 0;
  for_each_operation(doc, [&](const std::string& method, const std::string& path, const json::value& operation) {
    for (auto& [status, response] : *operation.find("responses")->as_object()) {
      auto* r = resolved(doc, response);
      ASSERT_NE(r, nullptr) << method << ' ' << path << ' ' << status;
      for (auto& code : codes_of(*r)) {
        ++seen;
        EXPECT_TRUE(known.contains({static_cast<unsigned>(std::stoul(status)), code}))
            << method << ' ' << path << ": " << status << ' ' << code;
      }
    }
  });
  EXPECT_GT(seen, 100u);
}

// What to do on the way in is said for each: no token, a token, the service's key or the cookie.
TEST(openapi, protects_what_belongs_to_users_and_operators) {
  auto doc = document();
  for_each_operation(doc, [](const std::string& method, const std::string& path, const json::value& operation) {
    std::string scheme;
    auto* security = operation.find("security");
    ASSERT_NE(security, nullptr) << method << ' ' << path;
    for (auto& alternative : *security->as_array())
      if (!alternative.as_object()->empty())
        scheme = alternative.as_object()->begin()->first;
    bool of_user = path.starts_with("/api/v1/me/") || path.starts_with("/sync/");
    EXPECT_EQ(scheme == "bearer", of_user) << method << ' ' << path;
    EXPECT_EQ(scheme == "serviceKey", path.starts_with("/internal/")) << method << ' ' << path;
    bool refuses = operation.find("responses")->find("401") != nullptr;
    EXPECT_TRUE(refuses || (!of_user && scheme != "serviceKey")) << method << ' ' << path;
  });
}

} // namespace
