#include "actors/llm_client/llm_client_actor.hpp"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
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

// `<seconds>.<milliseconds>`, as run_outcome reads it.
std::string in_seconds(std::chrono::milliseconds d) {
  auto thousandths = std::to_string(1'000 + d.count() % 1'000);
  return std::to_string(d.count() / 1'000) + '.' + thousandths.substr(1);
}

failure told_to_return(errc code, std::string detail, std::chrono::milliseconds pause) {
  return {code, std::move(detail) + " retry_after=" + in_seconds(pause)};
}

attempt_report nothing_learned(errc code, const char* detail) {
  return {attempt_class::cancelled, circuit_event::abandoned, attempt_failure{{code, detail}, false, {}}};
}

llm_endpoint_status::circuit_phase told(circuit_phase phase) {
  using told_phase = llm_endpoint_status::circuit_phase;
  switch (phase) {
    case circuit_phase::closed: return told_phase::closed;
    case circuit_phase::half_open: return told_phase::half_open;
    case circuit_phase::open: return told_phase::open;
  }
  return told_phase::open;
}

} // namespace

llm_client::llm_client(caf::actor_config& actor_cfg, io_loop& loop, const llm_client_config& cfg,
                       std::vector<llm_endpoint>& endpoints, llm_observer observer, random_source random)
  : hosted(actor_cfg, loop), cfg_(cfg), endpoints_(std::move(endpoints)), observer_(std::move(observer)),
    random_(std::move(random)), attention_(std::make_unique<boost::asio::steady_timer>(loop.context())) {
  set_down_handler([this](const caf::down_msg& m) { requester_ended(m.source.id()); });
}

llm_client::behavior_type llm_client::make_behavior() {
  return {[this](chat_call& asked) { return accept(asked); }, [this](get_llm_status) { return status(); }};
}

// The coroutines of calls under way hold a strong reference; they find their call gone. The clients
// of HTTP go here or with the last of them, so on the loop: whoever drops the last reference to
// this actor is on another thread, where the loop's handlers may still be using it.
void llm_client::on_exit() {
  while (!calls_.empty())
    fail(calls_.begin(), {errc::cancelled, "the LLM client stops"});
  attention_.reset();
  for (auto& e : endpoints_)
    e.close();
}

llm_status llm_client::status() const {
  auto now = clock::now();
  llm_status out;
  out.in_flight = in_flight_;
  out.waiting = calls_.size() - in_flight_;
  auto choice = choose_endpoint(views(now), true, std::nullopt);
  bool rests_shortly = choice.why == endpoint_state::resting && choice.until < now + cfg_.total_timeout;
  out.circuit_open = choice.what == endpoint_choice::kind::nowhere && !rests_shortly;
  for (const auto& e : endpoints_)
    out.endpoints.push_back({told(e.guard.phase()), e.guard.limit().limit(), e.guard.limit().in_flight()});
  return out;
}

std::vector<endpoint_view> llm_client::views(clock::time_point now) const {
  std::vector<endpoint_view> out;
  out.reserve(endpoints_.size());
  for (const auto& e : endpoints_)
    out.push_back(e.guard.at(now));
  return out;
}

// Calls that back off come back to wait, so they count against the whole.
bool llm_client::has_room(clock::time_point now) const {
  auto is_ready = [&](const llm_endpoint& e) { return e.guard.at(now).state == endpoint_state::ready; };
  bool free_place = waiting_.empty() && std::any_of(endpoints_.begin(), endpoints_.end(), is_ready);
  return (free_place || waiting_.size() < cfg_.max_waiting)
         && calls_.size() < cfg_.max_in_flight * endpoints_.size() + cfg_.max_waiting;
}

caf::result<chat_answer> llm_client::accept(chat_call& asked) {
  if (!asked.prompt)
    return to_caf({errc::bad_request, "prompt: missing"});
  if (!has_room(clock::now()))
    return to_caf({errc::llm_overloaded, "max_waiting calls wait already"});
  auto id = ++last_id_;
  auto& c = calls_[id];
  c.prompt = std::move(asked.prompt);
  c.user = std::move(asked.user);
  c.trace = asked.trace;
  c.trace_state = std::move(asked.trace_state);
  watch(id, caf::actor_cast<caf::strong_actor_ptr>(current_sender()), c);
  c.answer = make_response_promise<chat_answer>();
  auto promised = c.answer;
  wait_for_place(id, c);
  fill_places();
  return promised;
}

// -- places ---------------------------------------------------------------------------------------------------------

void llm_client::wait_for_place(call_id id, call& c) {
  c.state = call_state::waiting;
  c.waiting_since = clock::now();
  waiting_.push(c.user, id, c.waiting_since);
}

void llm_client::fill_places() {
  auto now = clock::now();
  while (!waiting_.empty() && (expire_oldest(now) || start_next(now)))
    ;
  if (!waiting_.empty())
    look_again(now);
}

llm_client::clock::time_point llm_client::deadline_of(const call& c, clock::time_point now) const {
  return c.deadline.value_or(now + cfg_.total_timeout);
}

// False when the call whose turn it is has to wait. That the others wait with it is what makes turns fair.
bool llm_client::start_next(clock::time_point now) {
  auto i = calls_.find(waiting_.next());
  bool may_pass_busy = now - waiting_.oldest_since() >= cfg_.pass_busy_after;
  auto choice = choose_endpoint(views(now), may_pass_busy, i->second.failed_at);
  switch (choice.what) {
    case endpoint_choice::kind::take:
      waiting_.pop();
      start(i, choice.endpoint, now);
      return true;
    case endpoint_choice::kind::wait: return false;
    case endpoint_choice::kind::nowhere: break;
  }
  if (choice.why == endpoint_state::resting && choice.until < deadline_of(i->second, now))
    return false;
  fail(i, nobody_takes_it(choice, now));
  return true;
}

bool llm_client::expire_oldest(clock::time_point now) {
  if (now - waiting_.oldest_since() < 2 * cfg_.total_timeout)
    return false;
  fail(calls_.find(waiting_.oldest()), {errc::llm_overloaded, "no free place for too long"});
  return true;
}

// Places become free by events of calls; what only time brings is waited for here.
void llm_client::look_again(clock::time_point now) {
  auto when = waiting_.oldest_since() + 2 * cfg_.total_timeout;
  if (endpoints_.size() > 1)
    if (auto passes = waiting_.oldest_since() + cfg_.pass_busy_after; passes > now)
      when = std::min(when, passes);
  for (const auto& view : views(now))
    if (view.state == endpoint_state::resting || view.state == endpoint_state::failing)
      when = std::min(when, view.until);
  if (attention_at_ && *attention_at_ <= when)
    return;
  attention_at_ = when;
  attention_->expires_at(when);
  attention_->async_wait([this, self = caf::strong_actor_ptr{ctrl()}](boost::system::error_code ec) {
    if (ec)
      return;
    attention_at_.reset();
    fill_places();
  });
}

failure llm_client::nobody_takes_it(const endpoint_choice& choice, clock::time_point now) {
  auto spread = std::chrono::duration<double, std::milli>{cfg_.retry.backoff_max} * random_() / 2;
  auto pause = in_milliseconds(choice.until - now) + std::chrono::duration_cast<std::chrono::milliseconds>(spread);
  if (choice.why == endpoint_state::resting)
    return told_to_return(errc::llm_rate_limited, "the endpoint asked to be left alone", pause);
  return told_to_return(errc::llm_circuit_open, "the endpoint failed too often lately", pause);
}

// -- attempts -------------------------------------------------------------------------------------------------------

void llm_client::start(call_map::iterator i, std::size_t endpoint, clock::time_point now) {
  auto& [id, c] = *i;
  c.waited += now - c.waiting_since;
  c.timer.reset();
  c.deadline = deadline_of(c, now);
  c.state = call_state::in_flight;
  c.endpoint = endpoint;
  ++in_flight_;
  if (endpoint > 0 && observer_.failed_over)
    observer_.failed_over(endpoint);
  ticket t{endpoint, endpoints_[endpoint].guard.admit(now), {}, c.attempts++};
  caf::strong_actor_ptr self{ctrl()};
  boost::asio::co_spawn(loop().executor(), attempt(self, id, c.prompt, *c.deadline, t),
                        [this, self, lost = id, t](std::exception_ptr thrown) {
                          if (thrown)
                            attempt_threw(lost, t);
                        });
}

void llm_client::attempt_threw(call_id id, ticket t) {
  auto report = nothing_learned(errc::internal, "exception in an LLM attempt");
  learn(t, report);
  attempt_ended(id, 0, std::move(report));
}

// `keep_alive` keeps `this`.
boost::asio::awaitable<void> llm_client::attempt([[maybe_unused]] caf::strong_actor_ptr keep_alive, call_id id,
                                                 std::shared_ptr<const chat_prompt> prompt, clock::time_point deadline,
                                                 ticket t) {
  auto begun = clock::now();
  // Between co_spawn and here the requester may have ended: nothing was sent then.
  auto asked = calls_.find(id);
  if (asked == calls_.end()) {
    learn(t, nothing_learned(errc::cancelled, ""));
    co_return;
  }
  t.span = observer_.tracer.start(asked->second.trace);
  auto http = endpoints_[t.endpoint].http();
  auto request = endpoints_[t.endpoint].request(std::move(prompt), deadline);
  request.trace = t.span.context;
  request.trace_state = asked->second.trace_state;
  auto response = co_await http->send(id, std::move(request));
  auto report = judge(response, wall_clock());
  learn(t, report);
  tell(t, report, response.status, begun);
  attempt_ended(id, response.requests, std::move(report));
}

void llm_client::tell(const ticket& t, const attempt_report& report, unsigned status, clock::time_point begun) const {
  if (!observer_.attempt)
    return;
  llm_attempt out;
  out.what = to_string(report.what);
  out.took = clock::now() - begun;
  out.span = t.span;
  out.endpoint = t.endpoint;
  out.retry = t.retry;
  out.status = status;
  if (auto* content = std::get_if<completion>(&report.outcome)) {
    out.prompt_tokens = content->prompt_tokens;
    out.completion_tokens = content->completion_tokens;
  } else {
    out.error = std::get<attempt_failure>(report.outcome).why.code;
  }
  observer_.attempt(out);
}

void llm_client::learn(const ticket& t, const attempt_report& report) {
  if (report.what == attempt_class::ok)
    budget_.succeeded();
  else if (is_wasted(report.what))
    budget_.failed();
  endpoints_[t.endpoint].guard.ended(t.permit, report, budget_.allows_exploring(), clock::now(), random_());
}

void llm_client::attempt_ended(call_id id, unsigned http_calls, attempt_report report) {
  auto i = calls_.find(id);
  if (i != calls_.end()) {
    i->second.http_calls += http_calls;
    if (auto* content = std::get_if<completion>(&report.outcome))
      answer(i, std::move(*content));
    else
      attempt_failed(i, *std::get_if<attempt_failure>(&report.outcome));
  }
  if (attention_) // a place is free, unless all is over
    fill_places();
}

void llm_client::attempt_failed(call_map::iterator i, const attempt_failure& problem) {
  auto& [id, c] = *i;
  auto now = clock::now();
  retry_chances chances;
  chances.left = in_milliseconds(*c.deadline - now);
  chances.affordable = budget_.allows_retry();
  chances.elsewhere = another_takes_calls(views(now), c.endpoint);
  chances.random = random_();
  auto decision = decide_retry(cfg_.retry, c.attempts, problem, chances);
  if (auto* retry = std::get_if<retry_in>(&decision)) {
    c.failed_at = chances.elsewhere ? std::optional{c.endpoint} : std::nullopt;
    back_off(id, c, retry->delay);
    return;
  }
  fail(i, with_pause(std::move(*std::get_if<failure>(&decision))));
}

failure llm_client::with_pause(failure why) {
  if (why.code == errc::llm_retries_spent && observer_.retries_spent)
    observer_.retries_spent();
  bool to_return = why.code == errc::llm_retries_spent || why.code == errc::llm_rate_limited;
  if (!to_return || why.detail.find("retry_after=") != std::string::npos)
    return why;
  auto pause = std::chrono::duration<double, std::milli>{cfg_.retry.backoff_max} * (1 + random_()) / 2;
  return told_to_return(why.code, std::move(why.detail), std::chrono::duration_cast<std::chrono::milliseconds>(pause));
}

void llm_client::back_off(call_id id, call& c, clock::duration delay) {
  --in_flight_;
  c.state = call_state::backing_off;
  if (delay == clock::duration::zero())
    wait_again(id, c);
  else
    wake_at(id, c, clock::now() + delay);
}

void llm_client::wait_again(call_id id, call& c) {
  wait_for_place(id, c);
  wake_at(id, c, *c.deadline);
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
    wait_again(id, c);
    fill_places();
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
    auto i = calls_.find(id);
    if (i == calls_.end())
      continue;
    if (i->second.state == call_state::in_flight)
      endpoints_[i->second.endpoint].http()->cancel(id);
    fail(i, {errc::cancelled, "the requester ended"});
  }
  fill_places();
}

result<llm_client_actor> spawn_llm_client(caf::actor_system& sys, io_loop& loop, const llm_client_config& cfg,
                                          llm_observer observer, llm_client::random_source random) {
  auto origins = check(cfg);
  if (!origins)
    return std::move(origins).error();
  std::vector<llm_endpoint> endpoints;
  for (std::size_t i = 0; i < origins->size(); ++i) {
    auto made = llm_endpoint::make(loop.context(), cfg, i, std::move((*origins)[i]));
    if (!made)
      return std::move(made).error();
    endpoints.push_back(std::move(*made));
  }
  if (!random)
    random = system_random();
  return sys.spawn<llm_client>(loop, cfg, endpoints, std::move(observer), std::move(random));
}

} // namespace mana
