#include "infra/http_client/http_client.hpp"

#include "tests/net/fault_server.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/write.hpp>

#include <gtest/gtest.h>

#include <future>
#include <thread>

namespace mana::net {
namespace {

using namespace std::chrono_literals;
using test::fault_reply;
using test::fault_server;
using test::http_reply;
using test::seen_request;
using kind = test::fault_reply::kind;
namespace asio = boost::asio;

// A client on a loop of its own.
class client {
public:
  explicit client(http_client_config cfg) {
    auto made = http_client::make(ctx_, std::move(cfg));
    EXPECT_TRUE(made) << made.error().detail;
    http_ = std::move(*made);
    thread_ = std::thread{[this] { ctx_.run(); }};
  }
  ~client() {
    on_loop([this] {
      http_->cancel_all();
      http_->close_idle();
    });
    work_.reset();
    thread_.join();
  }

  std::future<http_response> begin(http_client::call_id id, http_request req) {
    auto answer = std::make_shared<std::promise<http_response>>();
    asio::co_spawn(ctx_, http_->send(id, std::move(req)), [answer](std::exception_ptr thrown, http_response r) {
      EXPECT_FALSE(thrown);
      answer->set_value(std::move(r));
    });
    return answer->get_future();
  }
  http_response get(std::string target = "/") {
    http_request req;
    req.target = std::move(target);
    return begin(++last_id_, std::move(req)).get();
  }
  http_response post(std::string body) {
    http_request req;
    req.method = http_request::verb::post;
    req.target = "/post";
    req.content_type = "text/plain";
    req.body = [body] { return sensitive_text{body}; };
    return begin(++last_id_, std::move(req)).get();
  }
  void on_loop(std::function<void()> f) {
    std::promise<void> done;
    asio::post(ctx_, [&] {
      f();
      done.set_value();
    });
    done.get_future().get();
  }
  void cancel(http_client::call_id id) {
    on_loop([=, this] { http_->cancel(id); });
  }
  std::size_t idle() {
    std::size_t n = 0;
    on_loop([&] { n = http_->idle(); });
    return n;
  }

private:
  asio::io_context ctx_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{ctx_.get_executor()};
  std::unique_ptr<http_client> http_;
  http_client::call_id last_id_ = 1000;
  std::thread thread_;
};

http_client_config to(const std::string& url) {
  http_client_config cfg;
  cfg.at = *parse_url(url);
  return cfg;
}

fault_reply ok(const std::string& body = "ok") { return {kind::text, http_reply(200, body)}; }

// Answers with these addresses, one list per lookup, the last one for ever.
struct fake_names {
  std::vector<std::vector<endpoint>> answers;
  std::atomic<std::size_t> lookups{0};

  lookup_function function() {
    return [this](const std::string&, std::uint16_t, lookup_done done) {
      auto i = std::min(lookups++, answers.size() - 1);
      if (answers[i].empty())
        done(asio::error::host_not_found, {});
      else
        done({}, answers[i]);
    };
  }
};

endpoint at(unsigned short port) { return {asio::ip::make_address("127.0.0.1"), port}; }

// A port that nobody listens on: bound, so that nobody else gets it, but not listening.
struct closed_port {
  asio::io_context ctx;
  asio::ip::tcp::socket socket{ctx};
  closed_port() {
    socket.open(asio::ip::tcp::v4());
    socket.bind(at(0));
  }
  unsigned short port() const { return socket.local_endpoint().port(); }
};

// A port that neither accepts nor refuses: its backlog is full.
struct silent_port {
  asio::io_context ctx;
  asio::ip::tcp::acceptor acceptor{ctx};
  std::vector<asio::ip::tcp::socket> fill;
  silent_port() {
    acceptor.open(asio::ip::tcp::v4());
    acceptor.bind(at(0));
    acceptor.listen(0);
    for (int i = 0; i < 64; ++i) { // kernels differ in the least backlog they grant
      fill.emplace_back(ctx);
      fill.back().open(asio::ip::tcp::v4());
      fill.back().non_blocking(true);
      auto to_itself = acceptor.local_endpoint();
      ::connect(fill.back().native_handle(), to_itself.data(), static_cast<socklen_t>(to_itself.size())); // in progress
    }
  }
  unsigned short port() const { return acceptor.local_endpoint().port(); }
};

TEST(http_client, what_is_sent) {
  std::promise<seen_request> seen;
  fault_server server{[&](const seen_request& r) {
    seen.set_value(r);
    return ok();
  }};
  auto cfg = to(server.url() + "/base/");
  cfg.bearer_token = "key-1";
  client c{cfg};
  auto r = c.post("hello");
  EXPECT_EQ(r.what, outcome::ok) << r.detail;
  EXPECT_EQ(r.status, 200u);
  EXPECT_EQ(r.body, "ok");
  EXPECT_EQ(r.requests, 1u);
  auto request = seen.get_future().get();
  EXPECT_EQ(request.head, "POST /base/post HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server.port())
                              + "\r\nAccept: application/json\r\nUser-Agent: mana-ai\r\nAuthorization: Bearer key-1\r\n"
                                "Content-Type: text/plain\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(request.body, "hello");
}

TEST(http_client, a_token_that_would_break_the_header_is_refused) {
  asio::io_context ctx;
  for (auto token : {"a\r\nb", "a b", "\x80"}) {
    auto cfg = to("http://h");
    cfg.bearer_token = token;
    auto made = http_client::make(ctx, std::move(cfg));
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, errc::config_invalid);
  }
}

TEST(http_client, keep_alive_uses_one_connection) {
  fault_server server{ok()};
  client c{to(server.url())};
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(c.get().what, outcome::ok);
  EXPECT_EQ(server.counts().connections, 1);
  EXPECT_EQ(c.idle(), 1u);
}

TEST(http_client, a_connection_that_the_server_closes_is_not_reused) {
  fault_server server{fault_reply{kind::text, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"}};
  client c{to(server.url())};
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(c.get().what, outcome::ok);
  EXPECT_EQ(server.counts().connections, 3);
  EXPECT_EQ(c.idle(), 0u);
}

TEST(http_client, an_idle_connection_that_died_is_replaced) {
  fault_server server{ok()};
  client c{to(server.url())};
  EXPECT_EQ(c.get().what, outcome::ok);
  server.close_connections();
  ASSERT_TRUE(server.wait_for([](auto& n) { return n.open == 0; }));
  auto r = c.get();
  EXPECT_EQ(r.what, outcome::ok) << r.detail;
  EXPECT_EQ(r.requests, 1u);
  EXPECT_EQ(server.counts().connections, 2);
}

TEST(http_client, a_reused_connection_that_dies_unanswered_is_retried_once_on_a_fresh_one) {
  fault_server server{[](const seen_request& r) { return r.number == 1 ? fault_reply{kind::close, ""} : ok(); }};
  client c{to(server.url())};
  EXPECT_EQ(c.get().what, outcome::ok);
  auto r = c.post("again");
  EXPECT_EQ(r.what, outcome::ok) << r.detail;
  EXPECT_EQ(r.requests, 2u);
  EXPECT_EQ(server.counts().requests, 3);
  EXPECT_EQ(server.counts().connections, 2);
}

TEST(http_client, the_resend_happens_once_only) {
  fault_server server{[](const seen_request& r) { return r.number == 0 ? ok() : fault_reply{kind::close, ""}; }};
  client c{to(server.url())};
  EXPECT_EQ(c.get().what, outcome::ok);
  auto r = c.get();
  EXPECT_EQ(r.what, outcome::transport_failed);
  EXPECT_EQ(r.requests, 2u);
  EXPECT_EQ(server.counts().requests, 3);
}

TEST(http_client, no_resend_on_a_fresh_connection_or_once_an_answer_has_begun) {
  fault_server fresh{fault_reply{kind::close, ""}};
  client c{to(fresh.url())};
  EXPECT_EQ(c.get().what, outcome::transport_failed);
  EXPECT_EQ(fresh.counts().requests, 1);

  fault_server begun{[](const seen_request& r) { return r.number == 0 ? ok() : fault_reply{kind::close, "H"}; }};
  client d{to(begun.url())};
  EXPECT_EQ(d.get().what, outcome::ok);
  EXPECT_EQ(d.get().what, outcome::transport_failed);
  EXPECT_EQ(begun.counts().requests, 2);
}

TEST(http_client, broken_answers) {
  for (auto text :
       {"garbage\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "HTTP/1.1 200 OK\r\nContent"}) {
    fault_server server{fault_reply{kind::close, text}};
    client c{to(server.url())};
    auto r = c.get();
    EXPECT_EQ(r.what, outcome::transport_failed) << text;
    EXPECT_EQ(r.detail.find("garbage"), std::string::npos);
  }
}

TEST(http_client, a_slow_drip_is_put_together) {
  fault_server server{fault_reply{kind::drip, http_reply(200, "drop by drop", "Retry-After: 3\r\n")}};
  client c{to(server.url())};
  for (int i = 0; i < 2; ++i) {
    auto r = c.get();
    EXPECT_EQ(r.body, "drop by drop");
    EXPECT_EQ(r.retry_after, "3");
  }
  EXPECT_EQ(server.counts().connections, 1);
}

TEST(http_client, size_limits) {
  fault_server server{[](const seen_request& r) {
    return fault_reply{kind::text, r.number == 0 ? http_reply(200, std::string(1001, 'x'))
                                                 : http_reply(200, "", "X: " + std::string(5000, 'x') + "\r\n")};
  }};
  auto cfg = to(server.url());
  cfg.max_body_bytes = 1000;
  cfg.max_header_bytes = 2000;
  client c{cfg};
  EXPECT_EQ(c.get().what, outcome::too_large);
  EXPECT_EQ(c.get().what, outcome::too_large);
  EXPECT_TRUE(server.wait_for([](auto& n) { return n.open == 0; })) << "what is left of the answer is not waited for";
}

TEST(http_client, a_large_request_and_answer) {
  fault_server server{[](const seen_request& r) { return ok(r.body); }};
  auto cfg = to(server.url());
  cfg.max_body_bytes = 8u << 20;
  client c{cfg};
  std::string large(5u << 20, 'x');
  EXPECT_EQ(c.post(large).body, large);
}

TEST(http_client, first_byte_deadline) {
  fault_server server{fault_reply{kind::hang, ""}};
  auto cfg = to(server.url());
  cfg.first_byte_timeout = 20ms;
  client c{cfg};
  auto r = c.get();
  EXPECT_EQ(r.what, outcome::first_byte_timeout);
  EXPECT_EQ(r.requests, 1u);
  EXPECT_TRUE(server.wait_for([](auto& n) { return n.open == 0; }));
}

TEST(http_client, total_deadline_covers_the_body) {
  for (auto reply : {fault_reply{kind::say_and_hang, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"},
                     fault_reply{kind::hang, ""}}) {
    fault_server server{reply};
    client c{to(server.url())};
    http_request req;
    req.target = "/";
    req.total_deadline = http_client::clock::now() + 50ms;
    EXPECT_EQ(c.begin(1, req).get().what, outcome::total_timeout);
    EXPECT_TRUE(server.wait_for([](auto& n) { return n.open == 0; }));
  }
}

TEST(http_client, the_first_byte_deadline_ends_with_the_first_byte) {
  fault_server server{fault_reply{kind::say_and_hang, "HTTP/1.1 200 OK\r\n"}};
  auto cfg = to(server.url());
  cfg.first_byte_timeout = 500ms;
  client c{cfg};
  http_request req;
  req.target = "/";
  req.total_deadline = http_client::clock::now() + 1s;
  EXPECT_EQ(c.begin(1, req).get().what, outcome::total_timeout);
}

TEST(http_client, nobody_listens) {
  closed_port nobody;
  client c{to("http://127.0.0.1:" + std::to_string(nobody.port()))};
  auto r = c.get();
  EXPECT_EQ(r.what, outcome::connect_failed);
  EXPECT_EQ(r.requests, 0u);
}

TEST(http_client, connect_deadline) {
  silent_port silent;
  auto cfg = to("http://127.0.0.1:" + std::to_string(silent.port()));
  cfg.connect_timeout = 30ms;
  client c{cfg};
  EXPECT_EQ(c.get().what, outcome::connect_timeout);
}

TEST(http_client, connect_deadline_covers_the_lookup) {
  auto cfg = to("http://never.internal");
  cfg.connect_timeout = 30ms;
  std::vector<lookup_done> pending;
  cfg.lookup = [&](const std::string&, std::uint16_t, lookup_done done) { pending.push_back(std::move(done)); };
  client c{cfg};
  EXPECT_EQ(c.get().what, outcome::connect_timeout);
  EXPECT_EQ(c.get().what, outcome::connect_timeout);
  EXPECT_EQ(pending.size(), 1u) << "one lookup at a time";
}

TEST(http_client, connect_deadline_covers_the_tls_handshake) {
  fault_server plain{[](const seen_request&) { return ok(); }}; // waits for "\r\n\r\n", which a hello lacks
  auto cfg = to(plain.url("https"));
  cfg.connect_timeout = 50ms;
  client c{cfg};
  EXPECT_EQ(c.get().what, outcome::connect_timeout);
}

TEST(http_client, names_are_resolved_once_and_every_address_is_tried) {
  fault_server server{ok()};
  closed_port nobody;
  fake_names names{{{at(nobody.port()), at(server.port())}}};
  auto cfg = to("http://llm.internal");
  cfg.lookup = names.function();
  cfg.max_idle = 0;
  client c{cfg};
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(c.get().what, outcome::ok);
  EXPECT_EQ(names.lookups, 1u);
}

TEST(http_client, an_address_that_swallows_packets_leaves_time_for_the_next) {
  fault_server server{ok()};
  silent_port silent;
  fake_names names{{{at(silent.port()), at(server.port())}}};
  auto cfg = to("http://llm.internal");
  cfg.lookup = names.function();
  cfg.connect_timeout = 1s;
  client c{cfg};
  auto r = c.get();
  EXPECT_EQ(r.what, outcome::ok) << r.detail;
}

TEST(http_client, names_are_resolved_again_when_no_address_answers) {
  fault_server server{ok()};
  closed_port nobody;
  fake_names names{{{at(nobody.port())}, {at(server.port())}}};
  auto cfg = to("http://llm.internal");
  cfg.lookup = names.function();
  client c{cfg};
  EXPECT_EQ(c.get().what, outcome::connect_failed);
  EXPECT_EQ(c.get().what, outcome::ok);
  EXPECT_EQ(names.lookups, 2u);
}

TEST(http_client, names_are_resolved_again_after_the_ttl) {
  fault_server server{ok()};
  fake_names names{{{at(server.port())}, {}}};
  auto cfg = to("http://llm.internal");
  cfg.lookup = names.function();
  cfg.endpoint_ttl = 0ms;
  cfg.max_idle = 0;
  client c{cfg};
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(c.get().what, outcome::ok) << "a lookup that fails leaves the old addresses";
  EXPECT_EQ(names.lookups, 3u);
}

TEST(http_client, a_name_that_does_not_resolve) {
  fake_names names{{{}}};
  auto cfg = to("http://llm.internal");
  cfg.lookup = names.function();
  client c{cfg};
  auto r = c.get();
  EXPECT_EQ(r.what, outcome::connect_failed);
  EXPECT_EQ(r.detail, "the host name does not resolve");
}

TEST(http_client, the_systems_resolver) {
  fault_server server{ok()};
  client c{to(server.url("http", "localhost"))};
  EXPECT_EQ(c.get().what, outcome::ok);
}

TEST(http_client, cancelling_closes_the_connection) {
  fault_server server{fault_reply{kind::hang, ""}};
  client c{to(server.url())};
  http_request req;
  req.target = "/";
  auto one = c.begin(1, req);
  auto two = c.begin(2, req);
  ASSERT_TRUE(server.wait_for([](auto& n) { return n.requests == 2; }));
  c.cancel(1);
  c.cancel(99);
  EXPECT_EQ(one.get().what, outcome::cancelled);
  EXPECT_TRUE(server.wait_for([](auto& n) { return n.open == 1; }));
  c.cancel(2);
  EXPECT_EQ(two.get().what, outcome::cancelled);
  EXPECT_TRUE(server.wait_for([](auto& n) { return n.open == 0; }));
}

TEST(http_client, cancelling_during_lookup_and_connect) {
  silent_port silent;
  client connecting{to("http://127.0.0.1:" + std::to_string(silent.port()))};
  http_request req;
  req.target = "/";
  auto one = connecting.begin(1, req);
  connecting.cancel(1);
  EXPECT_EQ(one.get().what, outcome::cancelled);

  std::vector<lookup_done> pending;
  auto cfg = to("http://never.internal");
  cfg.lookup = [&](const std::string&, std::uint16_t, lookup_done done) { pending.push_back(std::move(done)); };
  client looking{cfg};
  auto two = looking.begin(1, req);
  looking.cancel(1);
  EXPECT_EQ(two.get().what, outcome::cancelled);
}

TEST(http_client, idle_connections_are_limited_and_expire) {
  fault_server server{fault_reply{kind::hold, http_reply(200, "")}};
  auto cfg = to(server.url());
  cfg.max_idle = 2;
  cfg.idle_ttl = 30ms;
  client c{cfg};
  std::vector<std::future<http_response>> calls;
  http_request req;
  req.target = "/";
  for (http_client::call_id i = 0; i < 4; ++i)
    calls.push_back(c.begin(i, req));
  ASSERT_TRUE(server.wait_for([](auto& n) { return n.held == 4; }));
  server.release();
  for (auto& f : calls)
    EXPECT_EQ(f.get().what, outcome::ok);
  EXPECT_LE(c.idle(), 2u);
  EXPECT_TRUE(server.wait_for([](auto& n) { return n.open == 0; })) << "closed without another call";
}

struct tls_test : testing::Test {
  test::authority ca;

  http_response call(const test::identity& id, const std::string& host, const std::string& ca_file,
                     seen_request* seen = nullptr) {
    fault_server server{[seen](const seen_request& r) {
                          if (seen != nullptr)
                            *seen = r;
                          return ok("secret " + r.body);
                        },
                        id};
    fake_names names{{{at(server.port())}}};
    auto cfg = to(server.url("https", host));
    cfg.lookup = names.function();
    cfg.ca_file = ca_file;
    client c{cfg};
    auto r = c.post("hello");
    if (r.what == outcome::ok) {
      EXPECT_EQ(c.post("hello").what, outcome::ok);
      EXPECT_EQ(server.counts().connections, 1) << "keep-alive works under TLS too";
    } else {
      EXPECT_EQ(server.counts().requests, 0) << "nothing is sent to somebody else";
      EXPECT_EQ(r.requests, 0u);
    }
    return r;
  }
};

TEST_F(tls_test, the_right_name) {
  seen_request seen;
  auto r = call(ca.sign("DNS:llm.internal"), "llm.internal", ca.file(), &seen);
  EXPECT_EQ(r.what, outcome::ok) << r.detail;
  EXPECT_EQ(r.body, "secret hello");
  EXPECT_EQ(seen.server_name, "llm.internal");
}

TEST_F(tls_test, a_wildcard_and_an_address) {
  EXPECT_EQ(call(ca.sign("DNS:*.mana.internal"), "llm.mana.internal", ca.file()).what, outcome::ok);
  seen_request seen;
  EXPECT_EQ(call(ca.sign("IP:127.0.0.1"), "127.0.0.1", ca.file(), &seen).what, outcome::ok);
  EXPECT_EQ(seen.server_name, "") << "SNI carries names only";
}

TEST_F(tls_test, the_wrong_name) {
  for (auto names : {"DNS:other.internal", "IP:127.0.0.1", "DNS:*.llm.internal"}) {
    auto r = call(ca.sign(names), "llm.internal", ca.file());
    EXPECT_EQ(r.what, outcome::tls_failed) << names;
    EXPECT_NE(r.detail.find("hostname mismatch"), std::string::npos) << r.detail;
  }
  EXPECT_EQ(call(ca.sign("DNS:127.0.0.1"), "127.0.0.1", ca.file()).what, outcome::tls_failed);
}

TEST_F(tls_test, an_unknown_authority) {
  test::authority other;
  auto r = call(ca.sign("DNS:llm.internal"), "llm.internal", other.file());
  EXPECT_EQ(r.what, outcome::tls_failed);
  EXPECT_NE(r.detail.find("certificate"), std::string::npos) << r.detail;
  EXPECT_EQ(call(ca.sign("DNS:llm.internal"), "llm.internal", "").what, outcome::tls_failed) << "the system's store";
}

TEST_F(tls_test, an_expired_certificate) {
  auto r = call(ca.sign("DNS:llm.internal", -60), "llm.internal", ca.file());
  EXPECT_EQ(r.what, outcome::tls_failed);
  EXPECT_NE(r.detail.find("expired"), std::string::npos) << r.detail;
}

TEST_F(tls_test, a_ca_file_that_cannot_be_used) {
  asio::io_context ctx;
  for (auto file : {"/nowhere/ca.pem", "/dev/null"}) {
    auto cfg = to("https://llm.internal");
    cfg.ca_file = file;
    auto made = http_client::make(ctx, std::move(cfg));
    ASSERT_FALSE(made) << file;
    EXPECT_EQ(made.error().code, errc::config_invalid);
  }
}

TEST_F(tls_test, a_server_without_tls) {
  struct raw_answer {
    asio::io_context ctx;
    asio::ip::tcp::acceptor acceptor{ctx, at(0)};
    std::thread thread{[this] {
      auto s = acceptor.accept();
      asio::write(s, asio::buffer(std::string{"HTTP/1.1 400 Bad Request\r\n\r\n"}));
    }};
    ~raw_answer() { thread.join(); }
  } answer;
  auto cfg = to("https://127.0.0.1:" + std::to_string(answer.acceptor.local_endpoint().port()));
  client c{cfg};
  auto r = c.get();
  // Its answer is no TLS, or its close comes first.
  EXPECT_TRUE(r.what == outcome::tls_failed || r.what == outcome::connect_failed) << r.detail;
}

TEST_F(tls_test, a_large_exchange) {
  fault_server server{[](const seen_request& r) { return ok(r.body); }, ca.sign("IP:127.0.0.1")};
  auto cfg = to(server.url("https"));
  cfg.ca_file = ca.file();
  cfg.max_body_bytes = 4u << 20;
  client c{cfg};
  std::string large(3u << 20, 'x');
  EXPECT_EQ(c.post(large).body, large);
}

TEST_F(tls_test, an_idle_connection_that_died_is_replaced) {
  fault_server server{[](const seen_request&) { return ok(); }, ca.sign("IP:127.0.0.1")};
  auto cfg = to(server.url("https"));
  cfg.ca_file = ca.file();
  client c{cfg};
  EXPECT_EQ(c.get().what, outcome::ok);
  server.close_connections();
  ASSERT_TRUE(server.wait_for([](auto& n) { return n.open == 0; }));
  EXPECT_EQ(c.get().what, outcome::ok);
  EXPECT_EQ(server.counts().connections, 2);
}

TEST_F(tls_test, cut_off_without_goodbye_is_no_end_of_the_body) {
  fault_server server{[](const seen_request&) {
                        return fault_reply{kind::close, "HTTP/1.1 200 OK\r\n\r\nhalf"};
                      },
                      ca.sign("IP:127.0.0.1")};
  auto cfg = to(server.url("https"));
  cfg.ca_file = ca.file();
  client c{cfg};
  EXPECT_EQ(c.get().what, outcome::transport_failed);
}

} // namespace
} // namespace mana::net
