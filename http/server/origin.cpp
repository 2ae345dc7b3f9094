#include "http/server/origin.hpp"

#include <algorithm>

namespace mana::http {

std::string origin_of(std::string_view url) {
  auto scheme = url.find("://");
  return std::string{scheme == url.npos ? url : url.substr(0, url.find('/', scheme + 3))};
}

bool may_open_socket(const request& req, std::string_view base_url, const std::vector<std::string>& others) {
  auto header = req.headers.find("origin");
  if (header == req.headers.end())
    return true;
  std::string_view origin = header->second;
  if (origin == origin_of(base_url) || std::find(others.begin(), others.end(), origin) != others.end())
    return true;
  auto host = req.headers.find("host");
  auto scheme = origin.find("://");
  return host != req.headers.end() && !host->second.empty() && scheme != origin.npos
         && origin.substr(scheme + 3) == host->second;
}

} // namespace mana::http
