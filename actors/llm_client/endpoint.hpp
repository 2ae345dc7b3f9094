// llm_endpoint: one provider: its origin, key and model, its connections, and what is known of its state.
#pragma once

#include "actors/llm_client/endpoint_guard.hpp"
#include "actors/llm_client/llm_client_config.hpp"
#include "infra/http_client/http_client.hpp"
#include "messages/llm_client.hpp"

#include <memory>

namespace mana {

class llm_endpoint {
public:
  // errc::config_invalid: the CA file cannot be read. `number` counts from 0.
  static result<llm_endpoint> make(boost::asio::io_context& ctx, const llm_client_config& cfg, std::size_t number,
                                   net::origin at);

  // The client must be kept while the request is under way; close() lets it go here.
  std::shared_ptr<net::http_client> http() const { return http_; }
  // Without the trace.
  net::http_request request(std::shared_ptr<const chat_prompt> prompt, std::chrono::steady_clock::time_point deadline);
  void close();

  endpoint_guard guard;

private:
  llm_endpoint(const llm_client_config& cfg, std::size_t number, const net::origin& at,
               std::unique_ptr<net::http_client> http);

  std::shared_ptr<const chat_options> options_;
  std::string target_;
  std::shared_ptr<net::http_client> http_;
};

} // namespace mana
