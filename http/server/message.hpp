// What a route's handler gets and gives: requests and responses without Beast.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mana::http {

struct request {
  std::string method;                             // upper case: GET, POST, OPTIONS …
  std::string path;                               // percent-decoded, without the query
  std::map<std::string, std::string> query;       // decoded; the last one of a name
  std::map<std::string, std::string> path_params; // by the names of the route's pattern
  std::map<std::string, std::string> headers;     // names in lower case
  std::string body;
};

struct response {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  // Send only so many bytes of the body, then close: a fault mode of the LLM stand-in.
  std::optional<std::size_t> cut_after;
};

} // namespace mana::http
