#include "infra/http_client/http_client.hpp"

#include "infra/http_client/response_reader.hpp"
#include "infra/tracing/trace_context.hpp"

#include <algorithm>
#include <cassert>

namespace mana::net {

namespace asio = boost::asio;

struct http_client::step {
  outcome what = outcome::ok;
  std::string detail;
};

struct http_client::opened {
  step result;
  std::unique_ptr<connection> stream;
};

namespace {

constexpr std::size_t scratch_bytes = 32u << 10;

outcome outcome_of(stop_reason why) {
  switch (why) {
    case stop_reason::address_timeout:
    case stop_reason::connect_timeout: return outcome::connect_timeout;
    case stop_reason::first_byte_timeout: return outcome::first_byte_timeout;
    case stop_reason::total_timeout: return outcome::total_timeout;
    case stop_reason::none:
    case stop_reason::cancelled: return outcome::cancelled;
  }
  return outcome::cancelled;
}

bool visible_ascii(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

http_response failed(outcome what, std::string detail = {}) {
  http_response r;
  r.what = what;
  r.detail = std::move(detail);
  return r;
}

template <class F>
struct at_end {
  explicit at_end(F action) : act(std::move(action)) {}
  at_end(const at_end&) = delete;
  at_end& operator=(const at_end&) = delete;
  ~at_end() { act(); }
  F act;
};

} // namespace

result<std::unique_ptr<http_client>> http_client::make(asio::io_context& ctx, http_client_config cfg) {
  if (!visible_ascii(cfg.bearer_token))
    return failure{errc::config_invalid, "bearer token: must be visible ASCII characters"};
  std::optional<tls_context> tls;
  if (cfg.at.tls) {
    auto made = tls_context::make(cfg.at.host, cfg.ca_file);
    if (!made)
      return std::move(made).error();
    tls = std::move(*made);
  }
  if (!cfg.lookup)
    cfg.lookup = system_lookup(ctx);
  return std::unique_ptr<http_client>{new http_client(ctx, std::move(cfg), std::move(tls))};
}

http_client::http_client(asio::io_context& ctx, http_client_config cfg, std::optional<tls_context> tls)
  : ctx_(ctx), cfg_(std::move(cfg)), tls_(std::move(tls)),
    endpoints_(cfg_.at.host, cfg_.at.port, cfg_.endpoint_ttl, cfg_.lookup), pool_(ctx, cfg_.max_idle, cfg_.idle_ttl),
    scratch_(scratch_bytes) {
  common_header_ = "Host: " + host_header(cfg_.at) + "\r\nAccept: application/json\r\nUser-Agent: mana-ai\r\n";
  if (!cfg_.bearer_token.empty())
    common_header_ += "Authorization: Bearer " + cfg_.bearer_token + "\r\n";
  for (auto& [name, value] : cfg_.headers)
    ((common_header_ += name) += ": " + value) += "\r\n";
}

asio::awaitable<http_response> http_client::send(call_id id, http_request req) {
  auto call = std::make_shared<call_control>(ctx_);
  [[maybe_unused]] bool fresh_id = active_.emplace(id, call).second;
  assert(fresh_id);
  const at_end forget{[this, id, &call] {
    call->finish();
    active_.erase(id);
  }};
  auto response = co_await perform(*call, req);
  co_return response;
}

void http_client::cancel(call_id id) {
  if (auto i = active_.find(id); i != active_.end())
    i->second->stop(stop_reason::cancelled);
}

void http_client::cancel_all() {
  for (auto& [id, call] : active_)
    call->stop(stop_reason::cancelled);
}

asio::awaitable<http_response> http_client::perform(call_control& call, const http_request& req) {
  unsigned requests = 0;
  for (bool may_reuse = true;; may_reuse = false) {
    auto c = may_reuse ? pool_.take() : nullptr;
    bool reused = c != nullptr;
    if (!reused) {
      auto fresh = co_await open(call, req.total_deadline);
      if (fresh.result.what != outcome::ok) {
        auto response = failed(fresh.result.what, std::move(fresh.result.detail));
        response.requests = requests;
        co_return response;
      }
      c = std::move(fresh.stream);
    }
    auto first_byte = clock::now() + cfg_.first_byte_timeout;
    if (first_byte < req.total_deadline)
      call.deadline(first_byte, stop_reason::first_byte_timeout);
    else
      call.deadline(req.total_deadline, stop_reason::total_timeout);
    ++requests;
    auto sent = co_await write(call, *c, serialize(req));
    auto response = failed(sent.what, std::move(sent.detail));
    bool untouched = true;
    bool reusable = false;
    if (sent.what == outcome::ok)
      response = co_await read(call, *c, req.total_deadline, untouched, reusable);
    if (reusable)
      pool_.give_back(std::move(c));
    if (reused && untouched && response.what == outcome::transport_failed)
      continue;
    response.requests = requests;
    co_return response;
  }
}

asio::awaitable<http_client::opened> http_client::open(call_control& call, clock::time_point total_deadline) {
  opened o;
  auto until = std::min(clock::now() + cfg_.connect_timeout, total_deadline);
  auto why = until == total_deadline ? stop_reason::total_timeout : stop_reason::connect_timeout;
  call.deadline(until, why);
  co_await endpoints_.ready(call);
  auto addresses = endpoints_.addresses();
  o.result = {outcome::connect_failed, "the host name does not resolve"};
  for (std::size_t i = 0; i < addresses.size() && call.stopped() == stop_reason::none; ++i) {
    // An address that swallows packets must not use up the time of those after it.
    auto left = addresses.size() - i;
    if (left > 1)
      call.deadline(clock::now() + (until - clock::now()) / static_cast<int>(left), stop_reason::address_timeout);
    auto c = std::make_unique<connection>(ctx_);
    auto ec = co_await c->connect(addresses[i], call);
    call.forgive_address_timeout();
    call.deadline(until, why);
    if (ec) {
      o.result.detail = "connect: " + ec.message();
      continue;
    }
    o.result = co_await handshake(call, *c);
    if (o.result.what == outcome::connect_failed)
      continue;
    if (o.result.what == outcome::ok) {
      endpoints_.reached(addresses[i]);
      o.stream = std::move(c);
    }
    break;
  }
  if (call.stopped() != stop_reason::none) {
    o.result.what = outcome_of(call.stopped());
    o.result.detail.clear();
    o.stream.reset();
  }
  if (o.result.what == outcome::connect_failed || o.result.what == outcome::connect_timeout)
    endpoints_.none_reached();
  co_return o;
}

asio::awaitable<http_client::step> http_client::handshake(call_control& call, connection& c) {
  step s;
  if (!tls_)
    co_return s;
  if (!c.begin_tls(*tls_)) {
    s = {outcome::tls_failed, "TLS: out of memory"};
    co_return s;
  }
  for (;;) {
    auto io = c.try_handshake();
    if (io.state == io_state::done)
      co_return s;
    if (io.state == io_state::closed || io.state == io_state::broken) {
      bool lost = c.tls_detail().empty();
      s = {lost ? outcome::connect_failed : outcome::tls_failed,
           lost ? "TLS: connection lost in the handshake" : c.tls_detail()};
      co_return s;
    }
    if (!co_await c.ready(io.state, call)) {
      s.what = outcome_of(call.stopped());
      co_return s;
    }
  }
}

asio::awaitable<http_client::step> http_client::write(call_control& call, connection& c, sensitive_text wire) {
  step s;
  for (std::size_t written = 0; written < wire.size();) {
    auto io = c.try_write(wire.view().substr(written));
    if (io.state == io_state::done) {
      written += io.bytes;
    } else if (io.state == io_state::closed || io.state == io_state::broken) {
      s = {outcome::transport_failed, "the connection broke while sending"};
      break;
    } else if (!co_await c.ready(io.state, call)) {
      s.what = outcome_of(call.stopped());
      break;
    }
  }
  co_return s;
}

asio::awaitable<http_response> http_client::read(call_control& call, connection& c, clock::time_point total_deadline,
                                                 bool& untouched, bool& reusable) {
  response_reader reader{cfg_.max_header_bytes, cfg_.max_body_bytes};
  for (;;) {
    auto io = c.try_read(scratch_);
    if (io.state == io_state::wait_read || io.state == io_state::wait_write) {
      if (!co_await c.ready(io.state, call))
        co_return failed(outcome_of(call.stopped()));
      continue;
    }
    if (io.state == io_state::broken)
      co_return failed(outcome::transport_failed, "the connection broke");
    if (io.state == io_state::done && untouched) {
      untouched = false;
      call.deadline(total_deadline, stop_reason::total_timeout);
    }
    auto progress = io.state == io_state::done ? reader.feed({scratch_.data(), io.bytes}) : reader.end_of_stream();
    if (progress == read_progress::need_more)
      continue;
    reusable = progress == read_progress::done && reader.reusable();
    co_return reader.take();
  }
}

sensitive_text http_client::serialize(const http_request& req) const {
  auto body = req.body ? req.body() : sensitive_text{};
  sensitive_text wire;
  bool post = req.method == http_request::verb::post;
  wire.reserve(common_header_.size() + req.target.size() + cfg_.at.base.size() + body.size() + req.trace_state.size()
               + 240);
  wire.append(post ? "POST " : "GET ").append(cfg_.at.base).append(req.target).append(" HTTP/1.1\r\n");
  wire.append(common_header_);
  if (req.trace.valid()) {
    auto parent = tracing::format_traceparent(req.trace);
    wire.append("traceparent: ").append({parent.data(), parent.size()}).append("\r\n");
    if (!req.trace_state.empty())
      wire.append("tracestate: ").append(req.trace_state).append("\r\n");
  }
  if (post) {
    if (!req.content_type.empty())
      wire.append("Content-Type: ").append(req.content_type).append("\r\n");
    wire.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
  }
  wire.append("\r\n").append(body.view());
  return wire;
}

} // namespace mana::net
