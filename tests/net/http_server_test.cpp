#include "http/server/server.hpp"

#include "http/server/error_response.hpp"
#include "infra/json/value.hpp"
#include "infra/tracing/trace_context.hpp"
#include "tests/net/http_socket.hpp"

#include <caf/all.hpp>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>

using namespace std::chrono_literals;
using namespace mana;
using mana::http::request;
using mana::http::response;
using mana::testing::http_socket;

namespace {

namespace asio = boost::asio;

struct http_server_test : ::testing::Test {
  ~http_server_test() override {
    open_gate();
    if (server)
      server->stop(0ms).wait();
    loop.join(); // coroutines use the members below
  }

  void start(http::server_config cfg = {}) {
    cfg.observe = [this](const http::exchange& e) {
      std::lock_guard guard{mutex};
      observed.push_back(e.method + ' ' + e.route + ' ' + std::to_string(e.status));
      spans.push_back(e.span);
    };
    auto s = http::server::start(loop, cfg, [this](request r) { return answer(std::move(r)); });
    ASSERT_TRUE(s) << s.error().detail;
    server = std::move(*s);
  }

  asio::awaitable<response> answer(request r) {
    response out;
    out.content_type = "text/plain";
    out.body = r.method + ' ' + r.path + ' ' + r.body;
    seen_by_handler = r.trace;
    if (r.path == "/throw")
      throw std::runtime_error{"on purpose"};
    if (r.path == "/gate") {
      ++at_gate;
      at_gate.notify_all();
      boost::system::error_code cancelled;
      co_await gate.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    }
    if (r.path == "/big") {
      out.body.assign(64 << 20, 'x');
      out.until_sent = std::shared_ptr<void>(nullptr, [this](void*) { big_done.set_value(); });
    }
    if (r.path == "/cut")
      out.cut_after = 3;
    out.hang = r.path == "/hang";
    out.delay = r.path == "/delay" ? 20ms : r.path == "/long-delay" ? 1h : 0ms;
    if (r.path == "/inject")
      out.headers = {{"X-Good", "1"}, {"X-Bad", "1\r\nX-Injected: 1"}};
    co_return out;
  }

  void wait_at_gate(int n) {
    for (int seen = at_gate; seen < n; seen = at_gate)
      at_gate.wait(seen);
  }
  void open_gate() {
    asio::post(loop.context(), [this] { gate.cancel(); });
  }
  http_socket connect() { return http_socket{server->port()}; }
  std::string get(const std::string& path) {
    auto s = connect();
    s.send("GET " + path + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    return s.rest();
  }

  caf::actor_system_config caf_config;
  caf::actor_system sys{caf_config};
  io_loop loop{sys};
  asio::steady_timer gate{loop.context(), std::chrono::steady_clock::time_point::max()};
  std::atomic<int> at_gate{0};
  std::promise<void> big_done;
  std::mutex mutex;
  std::vector<std::string> observed;
  std::vector<started_span> spans;
  span_context seen_by_handler;
  std::unique_ptr<http::server> server;
};

bool has_status(const std::string& r, unsigned status) {
  return r.starts_with("HTTP/1.1 " + std::to_string(status) + ' ');
}
std::string body_of(const std::string& r) { return r.substr(std::min(r.find("\r\n\r\n") + 4, r.size())); }
std::string code_of(const std::string& r) {
  auto v = json::parse(body_of(r));
  return v ? std::string{v->text("code")} : "no JSON: " + r;
}

// -- traces -----------------------------------------------------------------------------------------

http::server_config with_traces() {
  http::server_config cfg;
  cfg.tracer = tracing::tracer{tracing::trace_id_ratio_sampler{0}};
  return cfg;
}

TEST_F(http_server_test, a_request_goes_on_with_its_callers_trace) {
  start(with_traces());
  auto s = connect();
  s.send("GET /a HTTP/1.1\r\nHost: h\r\nTraceParent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n"
         "Connection: close\r\n\r\n");
  EXPECT_TRUE(has_status(s.rest(), 200));
  ASSERT_EQ(spans.size(), 1u);
  auto parent = *tracing::parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  EXPECT_EQ(spans[0].context.trace, parent.trace);
  EXPECT_EQ(spans[0].parent, parent.span);
  EXPECT_TRUE(spans[0].parent_is_remote);
  EXPECT_TRUE(spans[0].context.sampled);
  EXPECT_EQ(seen_by_handler, spans[0].context);
}

TEST_F(http_server_test, a_malformed_traceparent_is_ignored_and_a_new_trace_begins) {
  start(with_traces());
  const std::string good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  for (auto& header : {std::string{}, "traceparent: " + good + "x\r\n", std::string{"traceparent:\r\n"},
                       "traceparent: " + good + "\r\ntraceparent: " + good + "\r\n",
                       "traceparent: " + std::string(8'000, 'a') + "\r\n"}) {
    spans.clear();
    auto s = connect();
    s.send("GET /a HTTP/1.1\r\nHost: h\r\n" + header + "Connection: close\r\n\r\n");
    EXPECT_TRUE(has_status(s.rest(), 200)) << header;
    ASSERT_EQ(spans.size(), 1u);
    EXPECT_TRUE(spans[0].context.valid());
    EXPECT_FALSE(spans[0].parent.valid());
    EXPECT_FALSE(spans[0].context.sampled);
  }
}

TEST_F(http_server_test, a_request_that_is_refused_has_a_span_too) {
  start(with_traces());
  for (std::string bad : {"nonsense\r\n\r\n", "GET /a HTTP/1.1\r\n\r\n"}) {
    spans.clear();
    auto s = connect();
    s.send(bad);
    EXPECT_TRUE(has_status(s.rest(), 400));
    ASSERT_EQ(spans.size(), 1u);
    EXPECT_TRUE(spans[0].context.valid());
  }
}

// -- requests and answers -----------------------------------------------------------------------------

TEST_F(http_server_test, serves_several_requests_on_one_connection) {
  start();
  auto s = connect();
  for (int i = 0; i < 3; ++i) {
    s.send("POST /a%20b HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi");
    auto r = s.response();
    EXPECT_TRUE(has_status(r, 200)) << r;
    EXPECT_EQ(body_of(r), "POST /a b hi");
    EXPECT_NE(r.find("X-Content-Type-Options: nosniff\r\n"), std::string::npos);
    EXPECT_NE(r.find("Cache-Control: no-store\r\n"), std::string::npos);
  }
}

TEST_F(http_server_test, answers_pipelined_requests_in_order) {
  start();
  auto s = connect();
  s.send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(body_of(s.response()), "GET /1 ");
  EXPECT_EQ(body_of(s.rest()), "GET /2 ");
}

TEST_F(http_server_test, answers_head_without_a_body) {
  start();
  auto s = connect();
  s.send("HEAD /x HTTP/1.1\r\nHost: h\r\n\r\n");
  auto r = s.response(true);
  EXPECT_NE(r.find("Content-Length: 8\r\n"), std::string::npos) << r;
  EXPECT_EQ(body_of(r), "");
  s.send("GET /y HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(body_of(s.response()), "GET /y ");
}

TEST_F(http_server_test, closes_when_the_client_wants_it) {
  start();
  for (auto text : {"GET /x HTTP/1.0\r\n\r\n", "GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"}) {
    auto s = connect();
    s.send(text);
    auto r = s.rest();
    EXPECT_TRUE(has_status(r, 200)) << r;
    EXPECT_NE(r.find("Connection: close\r\n"), std::string::npos);
  }
}

TEST_F(http_server_test, accepts_chunked_bodies_and_expect_continue) {
  start();
  auto s = connect();
  s.send("POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n");
  EXPECT_EQ(body_of(s.response()), "POST /x hi");
  s.send("POST /x HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_TRUE(has_status(s.response(), 100));
  s.send("hi");
  EXPECT_EQ(body_of(s.response()), "POST /x hi");
}

TEST_F(http_server_test, turns_exceptions_into_500_and_goes_on) {
  start();
  auto s = connect();
  s.send("GET /throw HTTP/1.1\r\nHost: h\r\n\r\n");
  auto r = s.response();
  EXPECT_TRUE(has_status(r, 500));
  EXPECT_EQ(body_of(r), R"({"error":"internal error","code":"INTERNAL"})");
  s.send("GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(has_status(s.response(), 200));
}

TEST_F(http_server_test, drops_response_headers_with_line_breaks) {
  start();
  auto r = get("/inject");
  EXPECT_NE(r.find("X-Good: 1\r\n"), std::string::npos);
  EXPECT_EQ(r.find("X-Bad"), std::string::npos);
  EXPECT_EQ(r.find("X-Injected"), std::string::npos);
}

// -- what is refused ------------------------------------------------------------------------------------

TEST_F(http_server_test, refuses_malformed_requests_with_400_and_closes) {
  start();
  for (std::string text :
       {"nonsense\r\n\r\n", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n", "GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /a%00b HTTP/1.1\r\nHost: h\r\n\r\n", "GET x HTTP/1.1\r\nHost: h\r\n\r\n",
        "CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\nbad header\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\na",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "\x16\x03\x01\x02\r\n\r\n"}) {
    auto s = connect();
    s.send(text);
    auto r = s.rest();
    EXPECT_TRUE(has_status(r, 400)) << text << r;
    EXPECT_EQ(code_of(r), "BAD_REQUEST") << text;
  }
}

TEST_F(http_server_test, refuses_a_header_above_the_limit) {
  http::server_config c;
  c.max_header_bytes = 1024;
  start(c);
  auto s = connect();
  s.send("GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(2000, 'x') + "\r\n\r\n");
  EXPECT_TRUE(has_status(s.rest(), 431));
}

TEST_F(http_server_test, refuses_a_body_above_the_limit) {
  http::server_config c;
  c.max_body_bytes = 1000;
  start(c);
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\n";
  for (auto& text : {head + "Content-Length: 1001\r\n\r\n", // before the body is there
                     head + "Content-Length: 300000\r\n\r\n" + std::string(300'000, 'x'),
                     head + "Transfer-Encoding: chunked\r\n\r\n400\r\n" + std::string(1024, 'x') + "\r\n0\r\n\r\n",
                     head + "Expect: 100-continue\r\nContent-Length: 1001\r\n\r\n"}) {
    auto s = connect();
    s.send(text);
    auto r = s.response();
    EXPECT_TRUE(has_status(r, 413)) << r;
    EXPECT_EQ(code_of(r), "LIMIT_EXCEEDED");
  }
  auto s = connect();
  s.send(head + "Content-Length: 1000\r\n\r\n" + std::string(1000, 'x'));
  EXPECT_TRUE(has_status(s.response(), 200));
}

TEST_F(http_server_test, refuses_connections_above_the_limit_until_one_is_free) {
  http::server_config c;
  c.max_connections = 1;
  start(c);
  {
    auto first = connect();
    first.send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_TRUE(has_status(first.response(), 200));
    auto r = connect().rest();
    EXPECT_TRUE(r.empty() || has_status(r, 503)) << r;
  }
  std::string r;
  while (!has_status(r, 200)) // until the server has seen the first one close
    r = get("/2");
}

// -- time ---------------------------------------------------------------------------------------------

TEST_F(http_server_test, cuts_off_a_header_that_trickles_in) {
  http::server_config c;
  c.header_timeout = 100ms;
  start(c);
  auto s = connect();
  EXPECT_TRUE(s.trickle_until_closed("GET / HTTP/1.1\r\nX: " + std::string(2000, 'x')));
  EXPECT_EQ(s.rest(), "");
}

TEST_F(http_server_test, cuts_off_a_body_that_trickles_in) {
  http::server_config c;
  c.request_timeout = 100ms;
  start(c);
  auto s = connect();
  s.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5000\r\n\r\n");
  EXPECT_TRUE(s.trickle_until_closed(std::string(2000, 'x')));
}

TEST_F(http_server_test, closes_silent_connections) {
  http::server_config c;
  c.header_timeout = 50ms;
  c.idle_timeout = 50ms;
  start(c);
  EXPECT_EQ(connect().rest(), "");
  auto s = connect();
  s.send("GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(body_of(s.rest()), "GET /x ");
}

TEST_F(http_server_test, cuts_off_a_client_that_does_not_read) {
  http::server_config c;
  c.write_timeout = 100ms;
  start(c);
  http_socket s{server->port(), 4096};
  s.send("GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_EQ(big_done.get_future().wait_for(20s), std::future_status::ready);
  EXPECT_LT(s.rest().size(), std::size_t{64 << 20});
}

// -- faults on request --------------------------------------------------------------------------------

TEST_F(http_server_test, can_cut_hang_and_delay) {
  start();
  auto r = get("/cut");
  EXPECT_NE(r.find("Content-Length: 9\r\n"), std::string::npos);
  EXPECT_EQ(body_of(r), "GET");
  EXPECT_EQ(body_of(get("/delay")), "GET /delay ");
  auto hanging = connect();
  hanging.send("GET /hang HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(has_status(get("/x"), 200)); // others go on
  EXPECT_EQ(server->stop(20s).get().cut, 0u);
  EXPECT_EQ(hanging.rest(), "");
}

// -- stop ---------------------------------------------------------------------------------------------

TEST_F(http_server_test, lets_requests_in_progress_finish) {
  start();
  auto busy = connect();
  busy.send("GET /gate HTTP/1.1\r\nHost: h\r\n\r\n");
  wait_at_gate(1);
  auto idle = connect();
  idle.send("GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
  idle.response();
  auto done = server->stop(20s);
  EXPECT_EQ(idle.rest(), ""); // closed at once
  EXPECT_EQ(done.wait_for(0s), std::future_status::timeout);
  EXPECT_FALSE(connect().connected());
  open_gate();
  auto r = busy.rest();
  EXPECT_TRUE(has_status(r, 200)) << r;
  EXPECT_NE(r.find("Connection: close\r\n"), std::string::npos);
  EXPECT_EQ(done.get().cut, 0u);
}

TEST_F(http_server_test, answers_each_request_as_the_last_of_its_connection_while_it_drains) {
  start();
  auto kept = connect();
  kept.send("GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(kept.response().find("Connection: close\r\n"), std::string::npos);
  server->drain();
  kept.send("GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
  auto r = kept.rest();
  EXPECT_TRUE(has_status(r, 200)) << r;
  EXPECT_NE(r.find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(has_status(get("/x"), 200)); // who does not know yet is served
}

TEST_F(http_server_test, cuts_requests_that_outlast_the_grace) {
  start();
  auto in_handler = connect();
  in_handler.send("GET /gate HTTP/1.1\r\nHost: h\r\n\r\n");
  wait_at_gate(1);
  auto delayed = connect();
  delayed.send("GET /long-delay HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(has_status(get("/x"), 200)); // a later connection: the delayed one has been accepted
  server->stop(50ms).wait();
  EXPECT_EQ(in_handler.rest(), "");
  EXPECT_EQ(delayed.rest(), "");
}

TEST_F(http_server_test, may_be_destroyed_with_requests_in_progress) {
  start();
  auto s = connect();
  s.send("GET /gate HTTP/1.1\r\nHost: h\r\n\r\n");
  wait_at_gate(1);
  server.reset();
  EXPECT_EQ(s.rest(), "");
}

// -- the rest -----------------------------------------------------------------------------------------

TEST_F(http_server_test, reports_an_address_it_cannot_listen_on) {
  start();
  http::server_config c;
  c.port = server->port();
  auto taken = http::server::start(loop, c, [this](request r) { return answer(std::move(r)); });
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, errc::config_invalid);
  EXPECT_NE(taken.error().detail.find(std::to_string(c.port)), std::string::npos);
  c.address = "not an address";
  EXPECT_FALSE(http::server::start(loop, c, [this](request r) { return answer(std::move(r)); }));
}

TEST_F(http_server_test, tells_its_observer_about_every_exchange) {
  start();
  get("/x");
  get("/throw");
  auto s = connect();
  s.send("nonsense\r\n\r\n");
  s.rest();
  server->stop(20s).wait();
  std::lock_guard guard{mutex};
  EXPECT_EQ(observed, (std::vector<std::string>{"GET  200", "GET  500", "  400"}));
}

} // namespace
