// Chooses the handler of a request by method and path. Patterns are `/internal/missions/{userId}`:
// a segment in braces matches any one segment that is not empty and becomes a path parameter.
#pragma once

#include "http/server/server.hpp"

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mana::http {

// Of a request without its body.
using path_set = std::function<bool(const request&)>;

class router {
public:
  // Of several patterns that match a path the one added first wins. A GET route answers HEAD too.
  void add(const std::string& method, const std::string& pattern, handler h);
  // Paths that no pattern describes, such as those of files: `includes` tells them. `pattern` stands for all of them
  // in `route`.
  void add_set(const std::string& method, const std::string& pattern, path_set includes, handler h);
  // A route whose bodies may be larger than the server's others.
  void add(const std::string& method, const std::string& pattern, handler h, body_rule rule);
  bool contains(const std::string& method, const std::string& pattern) const;
  // Method and pattern of every route; HEAD and OPTIONS, which come by themselves, are not among them.
  std::set<std::pair<std::string, std::string>> all() const;

  // Answers 404 for paths that match nothing, 405 with Allow for other methods, and OPTIONS with
  // 204 and Allow. Every response of a path that matches carries the pattern in `route`.
  handler as_handler() const;
  // For server_config; knows the routes that were added with a rule.
  std::function<const body_rule*(const request&)> as_body_rules() const;

private:
  struct route {
    std::string pattern;
    std::vector<std::string> segments;
    path_set includes; // instead of the segments; may be empty
    std::map<std::string, handler> by_method;
    std::map<std::string, body_rule> rules;
  };
  using routes = std::vector<route>;

  route& with_pattern(const std::string& method, const std::string& pattern);
  static boost::asio::awaitable<response> answer(std::shared_ptr<const routes> rs, request req);
  static bool matches(const route& r, request& req);
  static std::string allowed(const route& r);

  routes routes_;
};

} // namespace mana::http
