#include "actors/otlp_client/otlp_client_actor.hpp"

#include "actors/otlp_client/export_verdict.hpp"

#include <boost/asio/co_spawn.hpp>

namespace mana {

namespace {

constexpr const char* traces_path = "/v1/traces";
constexpr std::size_t max_answer_bytes = 64u << 10;

std::chrono::sys_seconds wall_clock() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

} // namespace

otlp_client::otlp_client(caf::actor_config& actor_cfg, io_loop& loop, std::string target,
                         std::chrono::milliseconds timeout, std::unique_ptr<net::http_client>& http)
  : hosted(actor_cfg, loop), target_(std::move(target)), timeout_(timeout), http_(std::move(http)) {}

otlp_client::behavior_type otlp_client::make_behavior() {
  return {[this](export_spans& asked) -> caf::result<export_answer> { return begin(asked); }};
}

// What the loop's handlers use goes here, or with the coroutines under way: on the loop in both cases.
void otlp_client::on_exit() {
  for (auto& [id, p] : calls_)
    p.deliver(to_caf({errc::cancelled, "the service stops"}));
  calls_.clear();
  http_->cancel_all();
  http_->close_idle();
  http_.reset();
}

otlp_client::promise otlp_client::begin(export_spans& asked) {
  auto id = ++last_id_;
  auto promised = make_response_promise<export_answer>();
  calls_.emplace(id, promised);
  caf::strong_actor_ptr self{ctrl()};
  boost::asio::co_spawn(loop().executor(), post(self, id, std::move(asked.body)),
                        [this, self, id](std::exception_ptr thrown) {
                          if (thrown)
                            answer(id, {export_answer::verdict::retryable, 0, {}, "exception while sending"});
                        });
  return promised;
}

// `keep_alive` keeps `this`.
boost::asio::awaitable<void> otlp_client::post([[maybe_unused]] caf::strong_actor_ptr keep_alive, call_id id,
                                               std::shared_ptr<const std::string> body) {
  auto http = http_;
  if (!http)
    co_return; // stopped before it began
  net::http_request request;
  request.method = net::http_request::verb::post;
  request.target = target_;
  request.content_type = "application/json";
  request.body = [body = std::move(body)] { return sensitive_text{*body}; };
  request.total_deadline = net::http_client::clock::now() + timeout_;
  auto response = co_await http->send(id, std::move(request));
  answer(id, judge_export(response, wall_clock()));
}

void otlp_client::answer(call_id id, export_answer content) {
  if (auto call = calls_.extract(id))
    call.mapped().deliver(std::move(content));
}

result<otlp_client_actor> spawn_otlp_client(caf::actor_system& sys, io_loop& loop, const otlp_client_config& cfg) {
  auto at = net::parse_url(cfg.url);
  if (!at)
    return std::move(at).error();
  std::string target = traces_path;
  if (!cfg.url_is_base) { // taken as it is
    target = std::exchange(at->base, {});
    if (target.empty() || cfg.url.ends_with('/'))
      target += '/';
  }
  net::http_client_config http_cfg;
  http_cfg.at = std::move(*at);
  http_cfg.ca_file = cfg.ca_file;
  http_cfg.headers = cfg.headers;
  http_cfg.connect_timeout = cfg.timeout;
  http_cfg.first_byte_timeout = cfg.timeout;
  http_cfg.max_body_bytes = max_answer_bytes;
  http_cfg.max_idle = 1;
  auto http = net::http_client::make(loop.context(), std::move(http_cfg));
  if (!http)
    return std::move(http).error();
  return sys.spawn<otlp_client>(loop, std::move(target), cfg.timeout, *http);
}

} // namespace mana
