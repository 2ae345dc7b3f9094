#include "http/llm_place.hpp"

#include "infra/http_client/url.hpp"

namespace mana::http {

namespace {

std::string host_of(const std::string& url) {
  auto at = net::parse_url(url);
  return at ? net::host_header(*at) : std::string{};
}

// The stand-in of this process, as whoever starts both names it.
bool asks_own_standin(const config::settings& s, config::target_set targets) {
  auto at = net::parse_url(s.llm_url);
  auto own = s.standin_port == 0 ? s.port : s.standin_port;
  return targets.contains(config::target::llm_standin) && at && at->port == own
         && (at->host == "localhost" || at->host == "::1" || at->host.starts_with("127."));
}

} // namespace

llm_place llm_place_of(const config::settings& s, config::target_set targets) {
  llm_place p;
  p.host = host_of(s.llm_url);
  for (auto* url : {&s.llm_url_2, &s.llm_url_3})
    if (!url->empty())
      p.fallback_hosts.push_back(host_of(*url));
  p.model = s.llm_model;
  p.stand_in = s.llm_is_standin || asks_own_standin(s, targets);
  p.max_tokens = static_cast<int>(s.llm_max_tokens);
  return p;
}

} // namespace mana::http
