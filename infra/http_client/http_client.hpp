// http_client: keep-alive HTTP/1.1 to one origin, over TCP or TLS. Lives on one io_loop; thousands
// of calls may be in flight on its thread.
//
// It neither limits nor queues calls, and it decides no retries, with one exception: a call that was
// sent on a reused connection which died before anything of the answer was read is sent once more
// on a fresh one, since an idle connection may be closed by the peer at any moment.
//
// Redirects are not followed; compressed answers are not asked for.
#pragma once

#include "infra/http_client/endpoint_cache.hpp"
#include "infra/http_client/exchange.hpp"
#include "infra/http_client/idle_pool.hpp"
#include "infra/http_client/url.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace mana::net {

struct http_client_config {
  origin at;
  std::string ca_file;      // PEM; empty: the system's store
  std::string bearer_token; // empty: no Authorization header
  // Of every request besides; without control characters.
  std::vector<std::pair<std::string, std::string>> headers;
  std::chrono::milliseconds connect_timeout{5'000};     // resolve, connect and TLS handshake
  std::chrono::milliseconds first_byte_timeout{60'000}; // from the connection to the first byte back
  std::size_t max_header_bytes = 16u << 10;
  std::size_t max_body_bytes = 1u << 20;
  std::size_t max_idle = 256;
  std::chrono::milliseconds idle_ttl{20'000}; // shorter than servers keep idle connections
  std::chrono::milliseconds endpoint_ttl{60'000};
  lookup_function lookup; // empty: the system's resolver
};

class http_client {
public:
  using clock = call_control::clock;
  using call_id = std::uint64_t;

  // errc::config_invalid: the CA file, or a token that is no visible ASCII.
  static result<std::unique_ptr<http_client>> make(boost::asio::io_context& ctx, http_client_config cfg);

  // The client must outlive the call. `id` is the caller's choice, and unique while the call lives.
  boost::asio::awaitable<http_response> send(call_id id, http_request req);

  // The call ends with outcome::cancelled and its connection is closed. Unknown ids are ignored.
  void cancel(call_id id);
  void cancel_all();
  void close_idle() { pool_.clear(); }

  std::size_t in_flight() const { return active_.size(); }
  std::size_t idle() const { return pool_.size(); }

private:
  // A failure, or outcome::ok; of an open connection also that connection.
  struct step;
  struct opened;

  http_client(boost::asio::io_context& ctx, http_client_config cfg, std::optional<tls_context> tls);

  boost::asio::awaitable<http_response> perform(call_control& call, const http_request& req);
  boost::asio::awaitable<opened> open(call_control& call, clock::time_point total_deadline);
  boost::asio::awaitable<step> handshake(call_control& call, connection& c);
  boost::asio::awaitable<step> write(call_control& call, connection& c, sensitive_text wire);
  boost::asio::awaitable<http_response> read(call_control& call, connection& c, clock::time_point total_deadline,
                                             bool& untouched, bool& reusable);
  sensitive_text serialize(const http_request& req) const;

  boost::asio::io_context& ctx_;
  http_client_config cfg_;
  std::optional<tls_context> tls_;
  std::string common_header_; // the same lines of every request
  endpoint_cache endpoints_;
  idle_pool pool_;
  std::unordered_map<call_id, std::shared_ptr<call_control>> active_;
  std::vector<char> scratch_; // what any call reads next; used only between two waits
};

} // namespace mana::net
