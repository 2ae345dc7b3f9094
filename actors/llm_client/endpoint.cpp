#include "actors/llm_client/endpoint.hpp"

namespace mana {

namespace {

endpoint_rules rules_of(const llm_client_config& cfg) {
  return {cfg.max_in_flight, cfg.circuit, cfg.retry.backoff_base, cfg.retry.backoff_max, cfg.total_timeout};
}

} // namespace

llm_endpoint::llm_endpoint(const llm_client_config& cfg, std::size_t number, const net::origin& at,
                           std::unique_ptr<net::http_client> http)
  : guard(rules_of(cfg)), options_(std::make_shared<const chat_options>(chat_options{
                              cfg.endpoints[number].model, cfg.temperature, cfg.max_tokens, cfg.json_response_format})),
    target_(completion_path(at.base)), http_(std::move(http)) {}

result<llm_endpoint> llm_endpoint::make(boost::asio::io_context& ctx, const llm_client_config& cfg, std::size_t number,
                                        net::origin at) {
  const auto& endpoint = cfg.endpoints[number];
  net::http_client_config http_cfg;
  http_cfg.at = at;
  http_cfg.ca_file = endpoint.ca_file;
  http_cfg.bearer_token = endpoint.api_key;
  http_cfg.connect_timeout = cfg.connect_timeout;
  http_cfg.first_byte_timeout = cfg.first_byte_timeout;
  http_cfg.max_body_bytes = cfg.max_response_bytes;
  http_cfg.max_idle = cfg.max_in_flight;
  auto http = net::http_client::make(ctx, std::move(http_cfg));
  if (!http)
    return std::move(http).error();
  return llm_endpoint{cfg, number, at, std::move(*http)};
}

net::http_request llm_endpoint::request(std::shared_ptr<const chat_prompt> prompt,
                                        std::chrono::steady_clock::time_point deadline) {
  net::http_request out;
  out.method = net::http_request::verb::post;
  out.target = target_;
  out.content_type = "application/json";
  out.body = [options = options_, prompt = std::move(prompt)] { return completion_request(*options, *prompt); };
  out.total_deadline = deadline;
  return out;
}

// Calls under way keep the client until they end; they are cancelled here.
void llm_endpoint::close() {
  http_->cancel_all();
  http_->close_idle();
  http_.reset();
}

} // namespace mana
