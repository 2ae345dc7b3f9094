#include "actors/token_keys/token_keys_actor.hpp"

#include <boost/asio/co_spawn.hpp>

namespace mana {

namespace {

constexpr const char* jwks_path = "/api/v1/auth/jwks";

} // namespace

result<jwt::key_set> keys_in(const net::http_response& response) {
  if (response.what == net::outcome::too_large)
    return failure{errc::limit_exceeded, "the answer is too large"};
  if (response.what != net::outcome::ok)
    return failure{errc::unauthorized, "no answer: " + response.detail};
  if (response.status != 200)
    return failure{errc::unauthorized, "HTTP status " + std::to_string(response.status)};
  return jwt::key_set::parse(response.body);
}

token_keys::token_keys(caf::actor_config& actor_cfg, io_loop& loop, const token_keys_config& cfg,
                       std::unique_ptr<net::http_client>& http, token_keys_observer observer)
  : hosted(actor_cfg, loop), cfg_(cfg), http_(std::move(http)),
    timer_(std::make_unique<boost::asio::steady_timer>(loop.context())), observer_(std::move(observer)) {}

token_keys::behavior_type token_keys::make_behavior() {
  fetch();
  return {[this](find_token_key& asked) { return find(asked); }};
}

// What the loop's handlers use goes here, or with the coroutine under way: on the loop in both cases.
void token_keys::on_exit() {
  for (auto& q : waiting_)
    q.answer.deliver(to_caf({errc::cancelled, "the service stops"}));
  waiting_.clear();
  timer_.reset();
  http_->cancel_all();
  http_->close_idle();
  http_.reset();
}

caf::result<token_key> token_keys::find(find_token_key& asked) {
  if (auto* known = keys_ ? keys_->find(asked.kid) : nullptr)
    return token_key{*known};
  if (!fetching_ && may_fetch())
    fetch();
  if (!fetching_ || waiting_.size() >= cfg_.max_waiting)
    return to_caf(not_found());
  waiting_.push_back({std::move(asked.kid), make_response_promise<token_key>()});
  return waiting_.back().answer;
}

bool token_keys::may_fetch() const { return !last_begun_ || clock::now() - *last_begun_ >= cfg_.min_pause; }

failure token_keys::not_found() const {
  return {errc::unauthorized,
          keys_ ? "the token's key is not known" : "the keys of the tokens' issuer cannot be fetched"};
}

void token_keys::fetch() {
  fetching_ = true;
  last_begun_ = clock::now();
  caf::strong_actor_ptr self{ctrl()};
  boost::asio::co_spawn(loop().executor(), fetch_once(self), [this, self](std::exception_ptr thrown) {
    if (thrown)
      fetched(failure{errc::internal, "exception while fetching keys"});
  });
}

// `keep_alive` keeps `this`.
boost::asio::awaitable<void> token_keys::fetch_once([[maybe_unused]] caf::strong_actor_ptr keep_alive) {
  auto http = http_;
  if (!http)
    co_return; // stopped before it began
  net::http_request request;
  request.target = jwks_path;
  request.total_deadline = clock::now() + cfg_.total_timeout;
  constexpr net::http_client::call_id the_only_one = 1;
  auto response = co_await http->send(the_only_one, std::move(request));
  fetched(keys_in(response));
}

void token_keys::fetched(result<jwt::key_set> keys) {
  if (!http_)
    return;
  fetching_ = false;
  auto pause = keys ? cfg_.refresh_interval : cfg_.min_pause;
  if (keys) {
    keys_ = std::move(*keys);
    if (observer_.fetched)
      observer_.fetched(keys_->size());
  } else if (observer_.failed) {
    observer_.failed(keys.error());
  }
  for (auto& q : std::exchange(waiting_, {})) {
    auto* key = keys_ ? keys_->find(q.kid) : nullptr;
    if (key != nullptr)
      q.answer.deliver(token_key{*key});
    else
      q.answer.deliver(to_caf(not_found()));
  }
  fetch_after(pause);
}

void token_keys::fetch_after(std::chrono::milliseconds pause) {
  timer_->expires_after(pause);
  timer_->async_wait([this, self = caf::strong_actor_ptr{ctrl()}](boost::system::error_code ec) {
    if (!ec && http_ && !fetching_)
      fetch();
  });
}

result<token_keys_actor> spawn_token_keys(caf::actor_system& sys, io_loop& loop, const token_keys_config& cfg,
                                          token_keys_observer observer) {
  auto at = net::parse_url(cfg.url);
  if (!at)
    return std::move(at).error();
  net::http_client_config http_cfg;
  http_cfg.at = std::move(*at);
  http_cfg.ca_file = cfg.ca_file;
  http_cfg.connect_timeout = cfg.connect_timeout;
  http_cfg.first_byte_timeout = cfg.total_timeout;
  http_cfg.max_body_bytes = jwt::max_key_set_bytes;
  http_cfg.max_idle = 1;
  auto http = net::http_client::make(loop.context(), std::move(http_cfg));
  if (!http)
    return std::move(http).error();
  return sys.spawn<token_keys>(loop, cfg, *http, std::move(observer));
}

} // namespace mana
