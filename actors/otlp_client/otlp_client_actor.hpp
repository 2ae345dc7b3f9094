// otlp_client: the actor behind messages/otlp_client.hpp. It lives on an io_loop, whose thread it takes for the moment
// in which a body is written.
#pragma once

#include "infra/http_client/http_client.hpp"
#include "infra/io/hosted.hpp"
#include "messages/otlp_client.hpp"
#include "messages/result.hpp"

#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace mana {

struct otlp_client_config {
  std::string url;          // of the collector
  bool url_is_base = false; // /v1/traces is appended
  std::string ca_file;      // PEM; empty: the system's certificates
  std::vector<std::pair<std::string, std::string>> headers;
  std::chrono::milliseconds timeout{10'000}; // of one request, from the connection to the whole answer
};

class otlp_client final : public hosted<otlp_client_actor::base> {
public:
  // Use spawn_otlp_client().
  otlp_client(caf::actor_config& actor_cfg, io_loop& loop, std::string target, std::chrono::milliseconds timeout,
              std::unique_ptr<net::http_client>& http);

  const char* name() const override { return "otlp_client"; }
  void on_exit() override;

protected:
  behavior_type make_behavior() override;

private:
  using call_id = net::http_client::call_id;
  using promise = caf::typed_response_promise<export_answer>;

  promise begin(export_spans& asked);
  boost::asio::awaitable<void> post(caf::strong_actor_ptr keep_alive, call_id id,
                                    std::shared_ptr<const std::string> body);
  void answer(call_id id, export_answer content);

  std::string target_;
  std::chrono::milliseconds timeout_;
  std::shared_ptr<net::http_client> http_; // shared with requests under way; none after on_exit()
  std::unordered_map<call_id, promise> calls_;
  call_id last_id_ = 0;
};

// errc::config_invalid: the URL or the CA file. The actor must end before `loop` does.
result<otlp_client_actor> spawn_otlp_client(caf::actor_system& sys, io_loop& loop, const otlp_client_config& cfg);

} // namespace mana
