#include "actors/llm_client/llm_client_actor.hpp"

#include "infra/http_client/descriptor_limit.hpp"
#include "infra/json/value.hpp"
#include "infra/tracing/trace_context.hpp"
#include "tests/net/actor_calls.hpp"
#include "tests/net/fault_server.hpp"

#include <gtest/gtest.h>

#include <future>
#include <map>

namespace mana {
namespace {

using namespace std::chrono_literals;
using test::chat_reply;
using test::fault_reply;
using test::fault_server;
using test::http_reply;
using test::seen_request;
using kind = test::fault_reply::kind;

chat_call say(std::string_view text = "hello", std::string user = "anna") {
  return {std::make_shared<const chat_prompt>(sensitive_text{"be brief"}, sensitive_text{text}),
          user_id{std::move(user)}};
}

fault_reply good(const std::string& content = "fine") { return {kind::text, chat_reply(content)}; }
fault_reply status(unsigned code, const std::string& headers = {}) {
  return {kind::text, http_reply(code, R"({"error":"secret of the server"})", headers)};
}

// Bad n times, then good.
fault_server::script at_first(int n, fault_reply bad) {
  return [n, bad](const seen_request& r) { return r.number < n ? bad : good(); };
}

// Asks `n` times at once, and counts what came back.
struct asker {
  std::mutex mutex;
  std::condition_variable changed;
  int answers = 0;
  std::map<errc, int> errors;
  int missing = 0;
  caf::actor_system* system = nullptr;
  caf::actor actor;

  asker() = default;
  asker(const asker&) = delete;
  asker& operator=(const asker&) = delete;
  // An answer that is under way would be noted here: only the end of the actor keeps it away.
  ~asker() {
    if (!actor)
      return;
    caf::scoped_actor self{*system};
    self->send_exit(actor, caf::exit_reason::kill);
    self->wait_for(actor);
  }

  void start(caf::actor_system& sys, llm_client_actor client, int n, const std::string& user = "anna") {
    missing += n;
    // Arguments, no captures: without arguments CAF 0.17 binds a reference to nothing, which UBSan sees.
    auto asking = [](caf::event_based_actor* self, asker* a, const llm_client_actor& llm, int count,
                     const std::string& who) -> caf::behavior {
      for (int i = 0; i < count; ++i)
        self->request(llm, caf::infinite, say("for " + who, who))
            .then([a](const chat_answer&) { a->note([](auto& s) { ++s.answers; }); },
                  [a](const caf::error& e) { a->note([&](auto& s) { ++s.errors[to_failure(e).code]; }); });
      return {[](caf::ok_atom) {}};
    };
    system = &sys;
    actor = sys.spawn(asking, this, client, n, user);
  }
  template <class F>
  void note(F f) {
    std::lock_guard lock{mutex};
    f(*this);
    --missing;
    changed.notify_all();
  }
  bool answered() {
    std::lock_guard lock{mutex};
    return missing == 0;
  }
  bool all_answered() {
    std::unique_lock lock{mutex};
    return changed.wait_for(lock, 2min, [this] { return missing == 0; });
  }
  bool wait_for(std::function<bool()> condition) {
    std::unique_lock lock{mutex};
    return changed.wait_for(lock, 1min, condition);
  }
  void end() { caf::anon_send_exit(actor, caf::exit_reason::kill); }
};

class llm_client_test : public ::testing::Test {
protected:
  llm_client_test() {
    cfg.endpoints.push_back({"", "key-1", "", "test-model"});
    cfg.retry = {4, 1ms, 4ms};
  }
  ~llm_client_test() override { stop(); }

  llm_endpoint_config& first() { return cfg.endpoints.front(); }
  void add_endpoint(const fault_server& server, std::string key = {}) {
    cfg.endpoints.push_back({server.url(), std::move(key), "", "other-model"});
  }
  void connect(const fault_server& server) {
    first().url = server.url();
    spawn();
  }
  void spawn() {
    llm_observer observer;
    observer.tracer = tracer;
    observer.attempt = [this](const llm_attempt& a) {
      EXPECT_GT(a.took.count(), 0);
      std::lock_guard lock{mutex};
      ++attempts[std::string{a.what}];
      seen_attempts.push_back(a);
      attempt_seen.notify_all();
    };
    observer.failed_over = [this](std::size_t endpoint) {
      std::lock_guard lock{mutex};
      ++failovers[endpoint];
    };
    observer.retries_spent = [this] {
      std::lock_guard lock{mutex};
      ++retries_spent;
    };
    auto made = spawn_llm_client(sys, loop, cfg, std::move(observer), [] { return 0.5; });
    ASSERT_TRUE(made) << made.error().detail;
    client = std::move(*made);
  }
  void stop() { mana::testing::end_actor(sys, client); }
  result<chat_answer> ask(chat_call c = say()) {
    return mana::testing::ask_actor<chat_answer>(sys, client, std::move(c));
  }
  failure ask_in_vain() {
    auto r = ask();
    EXPECT_FALSE(r);
    return r ? failure{} : r.error();
  }
  llm_status status_now() {
    llm_status s;
    caf::scoped_actor self{sys};
    self->request(client, caf::infinite, get_llm_status{})
        .receive([&](llm_status& x) { s = x; }, [](caf::error& e) { FAIL() << caf::to_string(e); });
    return s;
  }
  // Asks again and again: every answer comes from the actor, after all it did before.
  template <class F>
  llm_status status_until(F condition) {
    auto s = status_now();
    while (!condition(s))
      s = status_now();
    return s;
  }
  // The last attempt may be reported after its call was answered.
  bool attempts_become(const std::map<std::string, int>& expected) {
    std::unique_lock lock{mutex};
    return attempt_seen.wait_for(lock, 1min, [&] { return attempts == expected; });
  }
  std::map<std::string, int> attempts_seen() {
    std::lock_guard lock{mutex};
    return attempts;
  }

  using seen = std::map<std::string, int>;
  std::mutex mutex;
  std::condition_variable attempt_seen;
  seen attempts;
  std::vector<llm_attempt> seen_attempts;
  tracing::tracer tracer;
  std::map<std::size_t, int> failovers;
  int retries_spent = 0;
  llm_client_config cfg;
  // The order of these is the order of shutdown, read from the bottom.
  caf::actor_system_config system_cfg;
  caf::actor_system sys{system_cfg};
  io_loop loop{sys};
  llm_client_actor client;
};

TEST_F(llm_client_test, a_call) {
  std::promise<seen_request> seen_promise;
  fault_server server{[&](const seen_request& r) {
    seen_promise.set_value(r);
    return good("the plan");
  }};
  cfg.json_response_format = true;
  connect(server);
  auto r = ask(say("what now?"));
  ASSERT_TRUE(r) << r.error().detail;
  EXPECT_EQ(r->content, "the plan");
  EXPECT_EQ(r->http_calls, 1u);
  EXPECT_EQ(r->prompt_tokens, 11);
  EXPECT_EQ(r->completion_tokens, 22);
  auto request = seen_promise.get_future().get();
  EXPECT_TRUE(request.head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n")) << request.head;
  EXPECT_NE(request.head.find("\r\nAuthorization: Bearer key-1\r\n"), std::string::npos);
  EXPECT_NE(request.head.find("\r\nContent-Type: application/json\r\n"), std::string::npos);
  chat_prompt asked{sensitive_text{"be brief"}, sensitive_text{"what now?"}};
  EXPECT_EQ(request.body, completion_request({"test-model", cfg.temperature, cfg.max_tokens, true}, asked).view());
  EXPECT_EQ(attempts_seen(), (seen{{"ok", 1}}));
}

TEST_F(llm_client_test, each_attempt_has_a_span_and_tells_its_endpoint_of_it) {
  tracer = tracing::tracer{tracing::trace_id_ratio_sampler{0}};
  std::mutex heads_mutex;
  std::vector<std::string> heads;
  fault_server server{[&](const seen_request& r) {
    std::lock_guard lock{heads_mutex};
    heads.push_back(r.head);
    return r.number == 0 ? status(503) : good();
  }};
  connect(server);
  auto call = say();
  call.trace = tracer.start().context;
  call.trace_state = "vendor=1";
  ASSERT_TRUE(ask(call));
  ASSERT_TRUE(attempts_become({{"server_error", 1}, {"ok", 1}}));
  ASSERT_EQ(heads.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    auto& a = seen_attempts[i];
    EXPECT_EQ(a.span.context.trace, call.trace.trace);
    EXPECT_EQ(a.span.parent, call.trace.span);
    EXPECT_EQ(a.retry, i);
    EXPECT_EQ(a.status, i == 0 ? 503u : 200u);
    auto parent = tracing::format_traceparent(a.span.context);
    std::string line{parent.data(), parent.size()};
    EXPECT_NE(heads[i].find("\r\ntraceparent: " + line + "\r\n"), std::string::npos) << heads[i];
    EXPECT_NE(heads[i].find("\r\ntracestate: vendor=1\r\n"), std::string::npos);
  }
  EXPECT_EQ(seen_attempts[0].error, errc::llm_failed);
  EXPECT_EQ(seen_attempts[1].prompt_tokens, 11);
  EXPECT_EQ(seen_attempts[1].completion_tokens, 22);
  EXPECT_NE(seen_attempts[0].span.context.span, seen_attempts[1].span.context.span);
}

TEST_F(llm_client_test, a_url_that_ends_in_v1) {
  std::promise<std::string> head;
  fault_server server{[&](const seen_request& r) {
    head.set_value(r.head);
    return good();
  }};
  first().url = server.url() + "/gateway/v1/";
  spawn();
  EXPECT_TRUE(ask());
  EXPECT_TRUE(head.get_future().get().starts_with("POST /gateway/v1/chat/completions HTTP/1.1\r\n"));
}

TEST_F(llm_client_test, bad_settings_are_refused) {
  first().url = "nonsense";
  auto made = spawn_llm_client(sys, loop, cfg);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, errc::config_invalid);
  first().url = "https://llm.internal";
  first().ca_file = "/nowhere";
  EXPECT_FALSE(spawn_llm_client(sys, loop, cfg));
}

TEST_F(llm_client_test, a_call_without_prompt_is_refused) {
  fault_server server{good()};
  connect(server);
  auto r = ask(chat_call{});
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, errc::bad_request);
}

TEST_F(llm_client_test, calls_share_a_connection) {
  fault_server server{good()};
  connect(server);
  for (int i = 0; i < 20; ++i)
    EXPECT_TRUE(ask());
  EXPECT_EQ(server.counts().connections, 1);
}

TEST_F(llm_client_test, what_is_retried_until_it_works) {
  struct {
    fault_reply bad;
    const char* label;
  } cases[] = {
      {status(500), "server_error"},
      {status(503), "server_error"},
      {status(408), "timeout"},
      {status(429), "rate_limited"},
      {status(429, "Retry-After: 0\r\n"), "rate_limited"},
      {status(429, "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n"), "rate_limited"},
      {status(503, "Retry-After: nonsense\r\n"), "server_error"},
      {{kind::close, ""}, "transport"},
      {{kind::close, "garbage\r\n\r\n"}, "transport"},
      {{kind::close, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"choices\""}, "transport"},
      {{kind::text, http_reply(200, "garbage")}, "invalid"},
      {{kind::text, http_reply(200, "{}")}, "invalid"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.bad.text);
    fault_server server{at_first(3, c.bad)};
    connect(server);
    attempts.clear();
    auto r = ask();
    ASSERT_TRUE(r) << r.error().detail;
    EXPECT_EQ(r->http_calls, 4u);
    EXPECT_EQ(server.counts().requests, 4);
    EXPECT_EQ(attempts_seen(), (seen{{c.label, 3}, {"ok", 1}}));
    stop();
  }
}

TEST_F(llm_client_test, what_ends_a_call_after_all_attempts) {
  struct {
    fault_reply bad;
    failure expected;
  } cases[] = {
      {status(500), {errc::llm_failed, "status 500"}},
      {status(408), {errc::llm_failed, "status 408"}},
      {status(429), {errc::llm_rate_limited, "status 429 retry_after=0.003"}},
      {{kind::close, ""}, {errc::llm_failed, "the connection was closed without an answer"}},
      {{kind::close, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"},
       {errc::llm_failed, "the connection was closed within the answer"}},
      {{kind::text, http_reply(200, "garbage")}, {errc::llm_answer_invalid, "the answer is no JSON document"}},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.bad.text);
    fault_server server{c.bad};
    connect(server);
    EXPECT_EQ(ask_in_vain(), c.expected);
    EXPECT_EQ(server.counts().requests, 4);
    stop();
  }
}

TEST_F(llm_client_test, what_ends_a_call_at_once) {
  struct {
    fault_reply bad;
    failure expected;
    const char* label;
  } cases[] = {
      {status(400), {errc::llm_refused, "status 400"}, "refused_4xx"},
      {status(401), {errc::llm_refused, "status 401"}, "refused_4xx"},
      {status(404, "Retry-After: 1\r\n"), {errc::llm_refused, "status 404"}, "refused_4xx"},
      {status(302), {errc::llm_refused, "status 302"}, "refused_4xx"},
      {{kind::text, http_reply(200, std::string(5000, 'x'))},
       {errc::llm_answer_too_large, "response above the size limit"},
       "too_large"},
      {status(429, "Retry-After: 3600\r\n"), {errc::llm_rate_limited, "status 429 retry_after=3600"}, "rate_limited"},
      {status(503, "Retry-After: 3600\r\n"), {errc::llm_rate_limited, "status 503 retry_after=3600"}, "server_error"},
      {status(429, "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n"),
       {errc::llm_rate_limited, "status 429 retry_after=2592000"},
       "rate_limited"},
  };
  cfg.max_response_bytes = 4000;
  for (const auto& c : cases) {
    SCOPED_TRACE(c.bad.text.substr(0, 80));
    fault_server server{c.bad};
    connect(server);
    attempts.clear();
    EXPECT_EQ(ask_in_vain(), c.expected);
    EXPECT_EQ(server.counts().requests, 1);
    EXPECT_EQ(attempts_seen(), (seen{{c.label, 1}}));
    stop();
  }
}

TEST_F(llm_client_test, retry_after_is_waited_for) {
  std::chrono::steady_clock::time_point first;
  std::chrono::steady_clock::duration between{};
  fault_server server{[&](const seen_request& r) {
    auto now = std::chrono::steady_clock::now();
    if (r.number == 0) {
      first = now;
      return status(429, "Retry-After: 1\r\n");
    }
    between = now - first;
    return good();
  }};
  connect(server);
  EXPECT_TRUE(ask());
  stop();
  EXPECT_GE(between, 1s) << "a lower bound, whatever the machine does";
}

TEST_F(llm_client_test, nobody_listens) {
  {
    fault_server gone{good()};
    first().url = gone.url();
  }
  spawn();
  auto why = ask_in_vain();
  EXPECT_EQ(why.code, errc::llm_unreachable);
  EXPECT_EQ(attempts_seen(), (seen{{"connect", 4}}));
}

TEST_F(llm_client_test, a_server_that_never_answers) {
  fault_server server{fault_reply{kind::hang, ""}};
  cfg.first_byte_timeout = 10ms;
  connect(server);
  EXPECT_EQ(ask_in_vain(), (failure{errc::llm_timeout, "first-byte deadline"}));
  EXPECT_EQ(server.counts().requests, 4);
  EXPECT_EQ(attempts_seen(), (seen{{"timeout", 4}}));
  EXPECT_TRUE(server.wait_for([](auto& n) { return n.open == 0; }));
}

TEST_F(llm_client_test, a_first_byte_deadline_is_retried) {
  fault_server server{at_first(1, {kind::hang, ""})};
  cfg.first_byte_timeout = 500ms;
  connect(server);
  auto r = ask();
  ASSERT_TRUE(r) << r.error().detail;
  EXPECT_EQ(r->http_calls, 2u);
}

TEST_F(llm_client_test, the_total_deadline_covers_a_body_that_stops) {
  fault_server server{fault_reply{kind::say_and_hang, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"}};
  cfg.total_timeout = 50ms;
  connect(server);
  EXPECT_EQ(ask_in_vain(), (failure{errc::llm_timeout, "total deadline"}));
  EXPECT_EQ(server.counts().requests, 1);
}

TEST_F(llm_client_test, the_total_deadline_covers_all_attempts) {
  fault_server server{[](const seen_request& r) { return r.number == 0 ? status(500) : fault_reply{kind::hang, ""}; }};
  cfg.total_timeout = 1s;
  connect(server);
  EXPECT_EQ(ask_in_vain(), (failure{errc::llm_timeout, "total deadline"}));
  EXPECT_EQ(server.counts().requests, 2);
}

TEST_F(llm_client_test, the_total_deadline_ends_the_wait_for_a_second_place) {
  // The first call fails and backs off; the second takes its place and keeps it.
  fault_server server{[](const seen_request& r) { return r.number == 0 ? status(500) : fault_reply{kind::hang, ""}; }};
  cfg.max_in_flight = 1;
  cfg.total_timeout = 1s;
  cfg.retry = {4, 100ms, 100ms};
  connect(server);
  asker both;
  both.start(sys, client, 2);
  ASSERT_TRUE(both.all_answered());
  EXPECT_EQ(both.errors, (std::map<errc, int>{{errc::llm_timeout, 2}}));
  EXPECT_EQ(server.counts().requests, 2);
  both.end();
}

TEST_F(llm_client_test, a_call_behind_a_full_house_waits_and_then_succeeds) {
  fault_server server{fault_reply{kind::hold, chat_reply("late")}};
  cfg.max_in_flight = 2;
  connect(server);
  asker three;
  three.start(sys, client, 3);
  ASSERT_TRUE(server.wait_for([](auto& n) { return n.held == 2; }));
  auto s = status_until([](const llm_status& x) { return x.waiting == 1; });
  EXPECT_EQ(s.in_flight, 2u);
  EXPECT_FALSE(s.circuit_open);
  EXPECT_EQ(server.counts().requests, 2);
  server.release();
  ASSERT_TRUE(three.all_answered());
  EXPECT_EQ(three.answers, 3);
  s = status_now();
  EXPECT_EQ(s.in_flight, 0u);
  EXPECT_EQ(s.waiting, 0u);
  three.end();
}

TEST_F(llm_client_test, waiting_time_is_reported_and_no_part_of_the_deadline) {
  fault_server server{[](const seen_request& r) {
    return r.number == 0 ? fault_reply{kind::say_and_hang, "HTTP/1.1 200 OK\r\n"} : good();
  }};
  cfg.max_in_flight = 1;
  cfg.total_timeout = 1s;
  connect(server);
  asker first;
  first.start(sys, client, 1);
  ASSERT_TRUE(server.wait_for([](auto& n) { return n.requests == 1; }));
  auto r = ask();
  ASSERT_TRUE(r) << r.error().detail;
  EXPECT_GT(r->waited, 0ms);
  ASSERT_TRUE(first.all_answered());
  EXPECT_EQ(first.errors[errc::llm_timeout], 1);
  first.end();
}

TEST_F(llm_client_test, beyond_max_waiting_calls_are_refused) {
  fault_server server{fault_reply{kind::hold, chat_reply("late")}};
  cfg.max_in_flight = 2;
  cfg.max_waiting = 3;
  connect(server);
  asker many;
  many.start(sys, client, 9);
  ASSERT_TRUE(many.wait_for([&] { return many.errors[errc::llm_overloaded] == 4; }));
  server.release();
  ASSERT_TRUE(many.all_answered());
  EXPECT_EQ(many.answers, 5);
  many.end();
}

TEST_F(llm_client_test, a_call_that_backs_off_holds_no_place) {
  fault_server server{[](const seen_request& r) { return r.number == 0 ? status(503) : good(); }};
  cfg.max_in_flight = 1;
  cfg.retry = {4, 4s, 4s};
  connect(server);
  asker patient;
  patient.start(sys, client, 1);
  auto s = status_until([](const llm_status& x) { return x.in_flight == 0 && x.waiting == 1; });
  EXPECT_EQ(s.waiting, 1u);
  EXPECT_TRUE(ask()); // takes the place meanwhile
  EXPECT_FALSE(patient.answered());
  ASSERT_TRUE(patient.all_answered());
  EXPECT_EQ(patient.answers, 1);
  patient.end();
}

TEST_F(llm_client_test, the_circuit_opens_and_a_probe_closes_it) {
  std::atomic<bool> well{false};
  fault_server server{[&](const seen_request&) { return well ? good() : status(500); }};
  cfg.retry.max_attempts = 1;
  cfg.circuit = {3, 30s, 1s, 1};
  connect(server);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(ask_in_vain().code, errc::llm_failed);
  EXPECT_EQ(ask_in_vain().code, errc::llm_circuit_open);
  EXPECT_TRUE(status_now().circuit_open);
  EXPECT_EQ(server.counts().requests, 3) << "nothing is sent while it is open";
  status_until([](const llm_status& s) { return !s.circuit_open; });
  EXPECT_EQ(ask_in_vain().code, errc::llm_failed) << "the probe";
  EXPECT_EQ(ask_in_vain().code, errc::llm_circuit_open);
  well = true;
  status_until([](const llm_status& s) { return !s.circuit_open; });
  EXPECT_TRUE(ask());
  EXPECT_TRUE(ask());
  EXPECT_FALSE(status_now().circuit_open);
}

TEST_F(llm_client_test, a_call_that_retries_sees_the_open_circuit) {
  fault_server server{status(500)};
  cfg.circuit = {2, 30s, 30s, 1};
  connect(server);
  EXPECT_EQ(ask_in_vain().code, errc::llm_circuit_open);
  EXPECT_EQ(server.counts().requests, 2);
}

TEST_F(llm_client_test, waiting_calls_see_the_open_circuit) {
  fault_server server{fault_reply{kind::hold, http_reply(500, "")}};
  cfg.max_in_flight = 1;
  cfg.retry.max_attempts = 1;
  cfg.circuit = {1, 30s, 30s, 1};
  connect(server);
  asker many;
  many.start(sys, client, 50);
  ASSERT_TRUE(server.wait_for([](auto& n) { return n.held == 1; }));
  status_until([](const llm_status& s) { return s.waiting == 49; });
  server.release();
  ASSERT_TRUE(many.all_answered());
  EXPECT_EQ(many.errors, (std::map<errc, int>{{errc::llm_failed, 1}, {errc::llm_circuit_open, 49}}));
  EXPECT_EQ(server.counts().requests, 1);
  many.end();
}

TEST_F(llm_client_test, refusals_do_not_open_the_circuit) {
  fault_server server{[](const seen_request& r) { return status(r.number % 2 == 0 ? 429 : 400); }};
  cfg.retry.max_attempts = 1;
  cfg.circuit = {2, 30s, 30s, 1};
  connect(server);
  for (int i = 0; i < 6; ++i)
    EXPECT_NE(ask_in_vain().code, errc::llm_circuit_open);
}

// -- what a provider in trouble gets ---------------------------------------------------------------------------------

TEST_F(llm_client_test, a_call_is_not_repeated_when_the_retry_budget_is_spent) {
  fault_server server{status(500)};
  cfg.circuit.failure_threshold = 1000;
  connect(server);
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(ask_in_vain().code, errc::llm_failed);
  EXPECT_EQ(server.counts().requests, 20);
  auto why = ask_in_vain();
  EXPECT_EQ(why.code, errc::llm_retries_spent);
  EXPECT_EQ(why.detail, "llm_failed: status 500 retry_after=0.003");
  EXPECT_EQ(server.counts().requests, 21);
  EXPECT_EQ(retries_spent, 1);
}

TEST_F(llm_client_test, an_endpoint_is_left_alone_for_as_long_as_it_says) {
  std::chrono::steady_clock::time_point told;
  std::chrono::steady_clock::duration least = 1h;
  fault_server server{[&](const seen_request& r) {
    auto now = std::chrono::steady_clock::now();
    if (r.number == 0) {
      told = now;
      return status(429, "Retry-After: 1\r\n");
    }
    least = std::min(least, now - told);
    return good();
  }};
  connect(server);
  asker one, other;
  one.start(sys, client, 1);
  status_until([](const llm_status& s) { return s.in_flight == 0 && s.waiting == 1; });
  other.start(sys, client, 1, "ben");
  ASSERT_TRUE(one.all_answered());
  ASSERT_TRUE(other.all_answered());
  stop();
  EXPECT_GE(least, 1s) << "by the call that was not told, too";
  one.end();
  other.end();
}

TEST_F(llm_client_test, an_endpoint_that_says_twice_to_come_back_late_is_not_asked_a_third_time) {
  fault_server server{status(429, "Retry-After: 3600\r\n")};
  connect(server);
  EXPECT_EQ(ask_in_vain().detail, "status 429 retry_after=3600");
  EXPECT_FALSE(status_now().circuit_open);
  EXPECT_EQ(ask_in_vain().detail, "status 429 retry_after=3600");
  auto why = ask_in_vain();
  EXPECT_EQ(why.code, errc::llm_rate_limited);
  EXPECT_TRUE(why.detail.starts_with("the endpoint asked to be left alone retry_after=3")) << why.detail;
  EXPECT_EQ(server.counts().requests, 2);
  EXPECT_TRUE(status_now().circuit_open) << "as far as missions are concerned";
}

TEST_F(llm_client_test, an_open_circuit_says_when_to_come_back) {
  fault_server server{status(500)};
  cfg.retry = {1, 1ms, 1ms};
  cfg.circuit = {1, 30s, 1h, 1, 1h};
  connect(server);
  EXPECT_EQ(ask_in_vain().code, errc::llm_failed);
  auto why = ask_in_vain();
  EXPECT_EQ(why.code, errc::llm_circuit_open);
  EXPECT_NE(why.detail.find(" retry_after=31"), std::string::npos) << why.detail; // 7/8 of an hour: 3150 s
}

TEST_F(llm_client_test, refusals_lower_the_limit) {
  fault_server server{[](const seen_request& r) {
    return r.number == 0 ? good() : fault_reply{kind::hold, http_reply(429, "", "Retry-After: 3600\r\n")};
  }};
  cfg.max_in_flight = 8;
  connect(server);
  EXPECT_TRUE(ask());
  EXPECT_EQ(status_now().endpoints.at(0).limit, 8u);
  asker many;
  many.start(sys, client, 8);
  ASSERT_TRUE(server.wait_for([](auto& n) { return n.held == 8; }));
  server.release();
  ASSERT_TRUE(many.all_answered());
  EXPECT_EQ(status_now().endpoints.at(0).limit, 4u) << "once for all of them";
  many.end();
}

TEST_F(llm_client_test, users_take_turns) {
  std::mutex order_mutex;
  std::vector<bool> of_ben;
  fault_server server{[&](const seen_request& r) {
    std::lock_guard lock{order_mutex};
    of_ben.push_back(r.body.find("for ben") != std::string::npos);
    return r.number == 0 ? fault_reply{kind::hold, chat_reply("late")} : good();
  }};
  cfg.max_in_flight = 1;
  connect(server);
  asker greedy, ben;
  greedy.start(sys, client, 5, "greedy");
  status_until([](const llm_status& s) { return s.waiting == 4; });
  ben.start(sys, client, 1, "ben");
  status_until([](const llm_status& s) { return s.waiting == 5; });
  ASSERT_TRUE(server.wait_for([](auto& n) { return n.held == 1; }));
  server.release();
  ASSERT_TRUE(greedy.all_answered());
  ASSERT_TRUE(ben.all_answered());
  std::lock_guard lock{order_mutex};
  EXPECT_EQ(of_ben, (std::vector<bool>{false, false, true, false, false, false}));
  greedy.end();
  ben.end();
}

// -- several endpoints -----------------------------------------------------------------------------------------------

TEST_F(llm_client_test, the_next_endpoint_takes_over_and_no_key_goes_astray) {
  std::mutex heads_mutex;
  std::vector<std::string> heads;
  fault_server broken{status(500)};
  fault_server second{[&](const seen_request& r) {
    std::lock_guard lock{heads_mutex};
    heads.push_back(r.head + r.body);
    return r.number % 2 == 0 ? status(500) : good();
  }};
  fault_server third{[&](const seen_request& r) {
    std::lock_guard lock{heads_mutex};
    heads.push_back(r.head + r.body);
    return good();
  }};
  cfg.circuit = {1, 30s, 1h, 1, 1h};
  add_endpoint(second, "key-2");
  add_endpoint(third);
  connect(broken);
  auto r = ask();
  ASSERT_TRUE(r) << r.error().detail;
  EXPECT_EQ(r->http_calls, 3u);
  EXPECT_TRUE(ask());
  EXPECT_EQ(broken.counts().requests, 1) << "its circuit is open";
  EXPECT_EQ(failovers, (std::map<std::size_t, int>{{1, 1}, {2, 2}}));
  EXPECT_FALSE(status_now().circuit_open) << "one endpoint is enough";
  ASSERT_EQ(heads.size(), 3u);
  EXPECT_NE(heads[0].find("\r\nAuthorization: Bearer key-2\r\n"), std::string::npos);
  EXPECT_EQ(heads[1].find("Authorization"), std::string::npos);
  EXPECT_NE(heads[1].find(R"("model":"other-model")"), std::string::npos);
  for (const auto& head : heads)
    EXPECT_EQ(head.find("key-1"), std::string::npos);
}

TEST_F(llm_client_test, without_any_endpoint_left_the_circuit_is_open) {
  fault_server broken{status(500)}, also_broken{status(500)};
  cfg.circuit = {1, 30s, 1h, 1, 1h};
  add_endpoint(also_broken);
  connect(broken);
  EXPECT_EQ(ask_in_vain().code, errc::llm_circuit_open) << "both were asked, and nobody is left";
  EXPECT_EQ(broken.counts().requests + also_broken.counts().requests, 2);
  EXPECT_TRUE(status_now().circuit_open);
  EXPECT_EQ(ask_in_vain().code, errc::llm_circuit_open);
}

TEST_F(llm_client_test, calls_return_to_the_first_endpoint_when_it_is_well_again) {
  std::atomic<bool> well{false};
  std::atomic<int> served{0};
  fault_server flaky{[&](const seen_request&) {
    served += well ? 1 : 0;
    return well ? good() : status(500);
  }};
  fault_server second{good()};
  cfg.circuit = {1, 30s, 10ms, 1, 10ms};
  add_endpoint(second);
  connect(flaky);
  EXPECT_TRUE(ask());
  EXPECT_EQ(second.counts().requests, 1);
  well = true;
  while (served == 0)
    EXPECT_TRUE(ask());
  auto before = second.counts().requests;
  EXPECT_TRUE(ask());
  EXPECT_EQ(second.counts().requests, before);
}

TEST_F(llm_client_test, a_limited_endpoint_rests_while_the_next_one_works) {
  fault_server limited{status(429, "Retry-After: 100\r\n")};
  fault_server second{good()};
  add_endpoint(second);
  connect(limited);
  for (int i = 0; i < 5; ++i)
    EXPECT_TRUE(ask());
  EXPECT_EQ(limited.counts().requests, 1);
  EXPECT_EQ(second.counts().requests, 5);
}

TEST_F(llm_client_test, a_busy_endpoint_is_waited_for) {
  fault_server slow{fault_reply{kind::hold, chat_reply("late")}};
  fault_server second{good()};
  cfg.max_in_flight = 1;
  cfg.pass_busy_after = 1h;
  add_endpoint(second);
  connect(slow);
  asker two;
  two.start(sys, client, 2);
  status_until([](const llm_status& s) { return s.in_flight == 1 && s.waiting == 1; });
  ASSERT_TRUE(slow.wait_for([](auto& n) { return n.held == 1; }));
  slow.release();
  ASSERT_TRUE(two.all_answered());
  EXPECT_EQ(two.answers, 2);
  EXPECT_EQ(second.counts().requests, 0);
  two.end();
}

TEST_F(llm_client_test, but_not_for_ever) {
  fault_server hanging{fault_reply{kind::hang, ""}};
  fault_server second{good()};
  cfg.max_in_flight = 1;
  cfg.pass_busy_after = 10ms;
  add_endpoint(second);
  connect(hanging);
  asker one, other;
  one.start(sys, client, 1);
  ASSERT_TRUE(hanging.wait_for([](auto& n) { return n.requests == 1; }));
  other.start(sys, client, 3, "ben");
  ASSERT_TRUE(other.all_answered());
  EXPECT_EQ(other.answers, 3);
  EXPECT_FALSE(one.answered());
  EXPECT_EQ(hanging.counts().requests, 1);
  stop();
  one.end();
  other.end();
}

// -- requesters ------------------------------------------------------------------------------------------------------

TEST_F(llm_client_test, when_the_requester_ends_its_calls_are_aborted) {
  fault_server server{fault_reply{kind::hang, ""}};
  cfg.max_in_flight = 3;
  connect(server);
  asker mortal, other;
  other.start(sys, client, 1);
  ASSERT_TRUE(server.wait_for([](auto& n) { return n.requests == 1; }));
  mortal.start(sys, client, 5);
  ASSERT_TRUE(server.wait_for([](auto& n) { return n.requests == 3; }));
  status_until([](const llm_status& s) { return s.waiting == 3; });
  mortal.end();
  ASSERT_TRUE(server.wait_for([](auto& n) { return n.open == 1; })) << "their sockets are closed, others are not";
  auto s = status_until([](const llm_status& x) { return x.waiting == 0; });
  EXPECT_EQ(s.in_flight, 1u);
  EXPECT_EQ(server.counts().requests, 3) << "waiting calls are dropped, not sent";
  stop();
  ASSERT_TRUE(other.all_answered());
  EXPECT_TRUE(attempts_become({{"cancelled", 3}}));
  other.end();
}

TEST_F(llm_client_test, a_requester_that_ends_while_its_call_backs_off) {
  fault_server server{status(429, "Retry-After: 30\r\n")};
  connect(server);
  asker mortal;
  mortal.start(sys, client, 1);
  status_until([](const llm_status& s) { return s.in_flight == 0 && s.waiting == 1; });
  mortal.end();
  status_until([](const llm_status& s) { return s.waiting == 0; });
  EXPECT_EQ(server.counts().requests, 1);
}

TEST_F(llm_client_test, stopping_answers_every_call) {
  fault_server server{[](const seen_request& r) { return r.number == 0 ? status(503) : fault_reply{kind::hang, ""}; }};
  cfg.max_in_flight = 10;
  cfg.retry = {4, 60s, 60s};
  connect(server);
  asker many;
  many.start(sys, client, 30);
  status_until([](const llm_status& s) { return s.in_flight == 10 && s.waiting == 20; });
  ASSERT_TRUE(server.wait_for([](auto& n) { return n.requests == 11; }));
  stop();
  ASSERT_TRUE(many.all_answered());
  EXPECT_EQ(many.errors, (std::map<errc, int>{{errc::cancelled, 30}}));
  ASSERT_TRUE(server.wait_for([](auto& n) { return n.open == 0; }));
  many.end();
}

TEST_F(llm_client_test, it_ends_on_its_loop_also_when_a_timer_of_idle_connections_is_due) {
  fault_server server{[](const seen_request&) { return good(); }};
  for (int i = 0; i < 100; ++i) {
    connect(server);
    EXPECT_TRUE(ask());
    stop();
  }
}

TEST_F(llm_client_test, two_thousand_in_flight) {
  constexpr int n = 2000;
  ASSERT_GE(net::raise_descriptor_limit(3 * n), std::size_t{2 * n + 200}) << "the hard limit of this machine";
  fault_server server{fault_reply{kind::hold, chat_reply("late")}};
  connect(server);
  asker many;
  many.start(sys, client, n);
  ASSERT_TRUE(server.wait_for([](auto& c) { return c.held == n; }));
  EXPECT_EQ(status_now().in_flight, std::size_t{n});
  server.release();
  ASSERT_TRUE(many.all_answered());
  EXPECT_EQ(many.answers, n);
  EXPECT_EQ(server.counts().connections, n);
  asker again;
  again.start(sys, client, n);
  ASSERT_TRUE(again.all_answered());
  EXPECT_EQ(again.answers, n);
  // On a slow machine some are idle for too long in between, and are closed.
  EXPECT_LT(server.counts().connections, n + n / 2) << "the connections of the first wave serve the second";
  many.end();
  again.end();
}

TEST_F(llm_client_test, over_tls) {
  test::authority ca, other;
  fault_server server{[](const seen_request&) { return good(); }, ca.sign("IP:127.0.0.1")};
  first().url = server.url("https");
  first().ca_file = ca.file();
  spawn();
  auto r = ask();
  EXPECT_TRUE(r) << r.error().detail;
  stop();
  attempts.clear();
  first().ca_file = other.file();
  spawn();
  auto why = ask_in_vain();
  EXPECT_EQ(why.code, errc::llm_unreachable);
  EXPECT_NE(why.detail.find("certificate"), std::string::npos) << why.detail;
  EXPECT_EQ(attempts_seen(), (seen{{"connect", 1}})) << "the same certificate would be refused again";
}

} // namespace
} // namespace mana
