#include "actors/llm_client/llm_client_actor.hpp"

#include <boost/asio/co_spawn.hpp>

#include <random>

namespace mana {

namespace {

llm_client::random_source system_random() {
  auto generator = std::make_shared<std::mt19937_64>(std::random_device{}());
  return [generator] { return std::uniform_real_distribution<double>{0.0, 1.0}(*generator); };
}

std::chrono::sys_seconds wall_clock() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

std::chrono::milliseconds in_milliseconds(std::chrono::steady_clock::duration d) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(d);
}

} // namespace

llm_client::llm_client(caf::actor_config& actor_cfg, io_loop& loop, const llm_client_config& cfg,
                       std::unique_ptr<net::http_client>& http, llm_observer observer, random_source random)
  : hosted(actor_cfg, loop), cfg_(cfg), options_{cfg.model, cfg.temperature, cfg.max_tokens, cfg.json_response_format},
    target_(completion_path(net::parse_url(cfg.url)->base)), http_(std::move(http)), observer_(std::move(observer)),
    random_(std::move(random)) {
  set_down_handler([this](const caf::down_msg& m) { requester_ended(m.source.id()); });
}

llm_client::behavior_type llm_client::make_behavior() {
  return {[this](chat_call& asked) { return accept(asked); },
          [this](get_llm_status) {
            return llm_status{refuses(cfg_.circuit, circuit_, clock::now()), in_flight_, calls_.size() - in_flight_};
          }};
}

// The coroutines of calls under way hold a strong reference; they find their call gone. The client
// of HTTP goes here or with the last of them, so on the loop: whoever drops the last reference to
// this actor is on another thread, where the loop's handlers may still be using it.
void llm_client::on_exit() {
  while (!calls_.empty())
    fail(calls_.begin(), {errc::cancelled, "the LLM client stops"});
  waiting_.clear();
  http_->cancel_all();
  http_->close_idle();
  http_.reset();
}

std::optional<failure> llm_client::refusal() const {
  if (refuses(cfg_.circuit, circuit_, clock::now()))
    return failure{errc::llm_circuit_open, "the endpoint failed too often lately"};
  bool free_place = in_flight_ < cfg_.max_in_flight && waiting_.empty();
  // Calls that back off come back to wait, so they count against the whole.
  if ((!free_place && waiting_.size() >= cfg_.max_waiting) || calls_.size() >= cfg_.max_in_flight + cfg_.max_waiting)
    return failure{errc::llm_overloaded, "max_waiting calls wait already"};
  return std::nullopt;
}

caf::result<chat_answer> llm_client::accept(chat_call& asked) {
  if (!asked.prompt)
    return to_caf({errc::bad_request, "prompt: missing"});
  if (auto why = refusal())
    return to_caf(std::move(*why));
  auto id = ++last_id_;
  auto& c = calls_[id];
  c.prompt = std::move(asked.prompt);
  watch(id, caf::actor_cast<caf::strong_actor_ptr>(current_sender()), c);
  c.answer = make_response_promise<chat_answer>();
  auto promised = c.answer;
  wait_for_place(id, c);
  fill_places();
  return promised;
}

void llm_client::wait_for_place(call_id id, call& c) {
  c.state = call_state::waiting;
  c.waiting_since = clock::now();
  waiting_.insert(id);
}

void llm_client::fill_places() {
  while (in_flight_ < cfg_.max_in_flight && !waiting_.empty())
    start(calls_.find(*waiting_.begin()));
}

void llm_client::start(call_map::iterator i) {
  auto& [id, c] = *i;
  auto now = clock::now();
  waiting_.erase(id);
  c.waited += now - c.waiting_since;
  c.timer.reset();
  if (!c.deadline)
    c.deadline = now + cfg_.total_timeout;
  auto admission = admit(cfg_.circuit, circuit_, now);
  circuit_ = admission.state;
  if (!admission.permit) {
    fail(i, {errc::llm_circuit_open, "the endpoint failed too often lately"});
    return;
  }
  c.state = call_state::in_flight;
  ++c.attempts;
  ++in_flight_;
  caf::strong_actor_ptr self{ctrl()};
  auto permit = *admission.permit;
  boost::asio::co_spawn(loop().executor(), attempt(self, id, c.prompt, *c.deadline, permit),
                        [this, self, lost = id, permit](std::exception_ptr thrown) {
                          if (thrown)
                            attempt_threw(lost, permit);
                        });
}

void llm_client::attempt_threw(call_id id, circuit_permit permit) {
  circuit_ = record(cfg_.circuit, circuit_, permit, circuit_event::abandoned, clock::now());
  attempt_failure defect{{errc::internal, "exception in an LLM attempt"}, false, {}};
  attempt_ended(id, 0, {attempt_class::invalid, circuit_event::abandoned, std::move(defect)});
}

// `keep_alive` keeps `this`.
boost::asio::awaitable<void> llm_client::attempt([[maybe_unused]] caf::strong_actor_ptr keep_alive, call_id id,
                                                 std::shared_ptr<const chat_prompt> prompt, clock::time_point deadline,
                                                 circuit_permit permit) {
  auto begun = clock::now();
  // Between co_spawn and here the requester may have ended: nothing was sent then.
  if (calls_.count(id) == 0) {
    circuit_ = record(cfg_.circuit, circuit_, permit, circuit_event::abandoned, begun);
    co_return;
  }
  net::http_request request;
  request.method = net::http_request::verb::post;
  request.target = target_;
  request.content_type = "application/json";
  request.body = [this, prompt] { return completion_request(options_, prompt->system.view(), prompt->user.view()); };
  request.total_deadline = deadline;
  auto http = http_;
  auto response = co_await http->send(id, std::move(request));
  auto report = judge(response, wall_clock());
  auto now = clock::now();
  circuit_ = record(cfg_.circuit, circuit_, permit, report.for_circuit, now);
  if (observer_.attempt)
    observer_.attempt(to_string(report.what), now - begun);
  attempt_ended(id, response.requests, std::move(report));
}

void llm_client::attempt_ended(call_id id, unsigned http_calls, attempt_report report) {
  auto i = calls_.find(id);
  if (i == calls_.end())
    return;
  auto& c = i->second;
  c.http_calls += http_calls;
  if (auto* content = std::get_if<completion>(&report.outcome)) {
    answer(i, std::move(*content));
  } else {
    auto left = in_milliseconds(*c.deadline - clock::now());
    auto decision =
        decide_retry(cfg_.retry, c.attempts, *std::get_if<attempt_failure>(&report.outcome), left, random_());
    if (auto* retry = std::get_if<retry_in>(&decision))
      back_off(id, c, retry->delay);
    else
      fail(i, std::move(*std::get_if<failure>(&decision)));
  }
  fill_places();
}

void llm_client::back_off(call_id id, call& c, clock::duration delay) {
  --in_flight_;
  c.state = call_state::backing_off;
  wake_at(id, c, clock::now() + delay);
}

void llm_client::wake_at(call_id id, call& c, clock::time_point when) {
  if (!c.timer)
    c.timer = std::make_unique<boost::asio::steady_timer>(loop().context());
  c.timer->expires_at(when);
  c.timer->async_wait([this, self = caf::strong_actor_ptr{ctrl()}, id](boost::system::error_code ec) {
    if (!ec)
      woken(id);
  });
}

void llm_client::woken(call_id id) {
  auto i = calls_.find(id);
  if (i == calls_.end())
    return;
  auto& c = i->second;
  if (c.state == call_state::backing_off) {
    wait_for_place(id, c);
    fill_places();
    if (i = calls_.find(id); i != calls_.end() && i->second.state == call_state::waiting)
      wake_at(id, i->second, *i->second.deadline);
  } else if (c.state == call_state::waiting && c.deadline && clock::now() >= *c.deadline) {
    fail(i, {errc::llm_timeout, "total deadline, while waiting to try again"});
  }
}

void llm_client::answer(call_map::iterator i, completion content) {
  auto c = forget(i);
  c.answer.deliver(chat_answer{std::move(content.content), c.http_calls, in_milliseconds(c.waited),
                               content.prompt_tokens, content.completion_tokens});
}

void llm_client::fail(call_map::iterator i, failure why) {
  auto c = forget(i);
  c.answer.deliver(to_caf(std::move(why)));
}

llm_client::call llm_client::forget(call_map::iterator i) {
  auto id = i->first;
  auto c = std::move(i->second);
  calls_.erase(i);
  waiting_.erase(id);
  if (c.state == call_state::in_flight)
    --in_flight_;
  if (auto r = by_requester_.find(c.requester.id()); c.requester && r != by_requester_.end()) {
    r->second.erase(id);
    if (r->second.empty()) {
      by_requester_.erase(r);
      demonitor(c.requester);
    }
  }
  return c;
}

void llm_client::watch(call_id id, const caf::strong_actor_ptr& who, call& c) {
  if (!who)
    return;
  c.requester = caf::actor_cast<caf::actor_addr>(who);
  auto& ids = by_requester_[c.requester.id()];
  if (ids.empty())
    monitor(c.requester);
  ids.insert(id);
}

void llm_client::requester_ended(caf::actor_id who) {
  auto r = by_requester_.find(who);
  if (r == by_requester_.end())
    return;
  auto ids = std::move(r->second);
  by_requester_.erase(r);
  for (auto id : ids) {
    http_->cancel(id);
    if (auto i = calls_.find(id); i != calls_.end())
      fail(i, {errc::cancelled, "the requester ended"});
  }
  fill_places();
}

result<llm_client_actor> spawn_llm_client(caf::actor_system& sys, io_loop& loop, const llm_client_config& cfg,
                                          llm_observer observer, llm_client::random_source random) {
  auto at = check(cfg);
  if (!at)
    return std::move(at).error();
  net::http_client_config http_cfg;
  http_cfg.at = std::move(*at);
  http_cfg.ca_file = cfg.ca_file;
  http_cfg.bearer_token = cfg.api_key;
  http_cfg.connect_timeout = cfg.connect_timeout;
  http_cfg.first_byte_timeout = cfg.first_byte_timeout;
  http_cfg.max_body_bytes = cfg.max_response_bytes;
  http_cfg.max_idle = cfg.max_in_flight;
  auto http = net::http_client::make(loop.context(), std::move(http_cfg));
  if (!http)
    return std::move(http).error();
  if (!random)
    random = system_random();
  return sys.spawn<llm_client>(loop, cfg, *http, std::move(observer), std::move(random));
}

} // namespace mana
