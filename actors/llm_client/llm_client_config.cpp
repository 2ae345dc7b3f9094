#include "actors/llm_client/llm_client_config.hpp"

#include <algorithm>
#include <cmath>

namespace mana {

namespace {

class complaints {
public:
  void require(bool good, std::string_view what) {
    if (good)
      return;
    if (!text_.empty())
      text_ += "; ";
    text_ += what;
  }
  const std::string& text() const { return text_; }

private:
  std::string text_;
};

} // namespace

result<std::vector<net::origin>> check(const llm_client_config& cfg) {
  using std::chrono::milliseconds;
  constexpr milliseconds none{0};
  complaints c;
  std::vector<net::origin> origins;
  for (const auto& e : cfg.endpoints) {
    auto at = net::parse_url(e.url);
    bool clean_key = std::all_of(e.api_key.begin(), e.api_key.end(), [](char x) { return x > ' ' && x < '\x7f'; });
    c.require(static_cast<bool>(at), at ? "" : at.error().detail);
    c.require(clean_key, "api_key: must be visible ASCII characters");
    c.require(!e.model.empty(), "model: missing");
    if (at)
      origins.push_back(std::move(*at));
  }
  c.require(!cfg.endpoints.empty(), "endpoints: at least one");
  c.require(std::isfinite(cfg.temperature) && cfg.temperature >= 0 && cfg.temperature <= 2, "temperature: 0 to 2");
  c.require(cfg.max_tokens > 0, "max_tokens: at least 1");
  c.require(cfg.connect_timeout > none, "connect_timeout: must be positive");
  c.require(cfg.first_byte_timeout > none, "first_byte_timeout: must be positive");
  c.require(cfg.total_timeout > none, "total_timeout: must be positive");
  c.require(cfg.pass_busy_after > none, "pass_busy_after: must be positive");
  c.require(cfg.max_in_flight > 0, "max_in_flight: at least 1");
  c.require(cfg.max_response_bytes > 0, "max_response_bytes: at least 1");
  c.require(cfg.retry.max_attempts > 0, "max_attempts: at least 1");
  c.require(cfg.retry.backoff_base >= none && cfg.retry.backoff_max >= cfg.retry.backoff_base,
            "backoff_max: at least backoff_base, which is not negative");
  c.require(cfg.circuit.failure_threshold > 0, "circuit.failure_threshold: at least 1");
  c.require(cfg.circuit.half_open_probes > 0, "circuit.half_open_probes: at least 1");
  c.require(cfg.circuit.open_for > none && cfg.circuit.window > none, "circuit: times must be positive");
  if (!c.text().empty())
    return failure{errc::config_invalid, c.text()};
  return origins;
}

} // namespace mana
