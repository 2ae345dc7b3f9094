#include "http/sync_routes.hpp"

#include "actors/session_registry/session_outbox.hpp"
#include "http/server/websocket.hpp"
#include "tests/net/http_routes_fixture.hpp"
#include "tests/net/ws_socket.hpp"

#include <boost/asio/post.hpp>

#include <condition_variable>
#include <mutex>

using namespace std::chrono_literals;
using namespace mana;
using mana::testing::ws_socket;

namespace {

// What the fakes were asked, and what is told to the test.
struct notes {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<push_changes> pushed;
  std::vector<pull_changes> pulled;
  std::vector<open_session> opened;
  std::size_t closed = 0;
  std::vector<std::string> reasons;

  template <class F>
  void note(F f) {
    {
      std::lock_guard lock{mutex};
      f();
    }
    changed.notify_all();
  }
  template <class F>
  bool wait(F f) {
    std::unique_lock lock{mutex};
    return changed.wait_for(lock, 20s, f);
  }
};

change_pusher_actor::behavior_type fake_pusher(change_pusher_actor::pointer, notes* n) {
  return {[n](const push_changes& p) -> caf::result<changes_pushed> {
    n->note([&] { n->pushed.push_back(p); });
    if (*p.body == "bad")
      return to_caf({errc::bad_request, "changes[3].op: is bad"});
    changes_pushed out;
    out.page = {R"([{"id":"t1"}])", 1, "cursor", true};
    return out;
  }};
}

change_puller_actor::behavior_type fake_puller(change_puller_actor::pointer, notes* n) {
  return {[n](const pull_changes& p) -> caf::result<change_page> {
    n->note([&] { n->pulled.push_back(p); });
    if (p.app == "down")
      return to_caf({errc::database_unavailable, "secret detail"});
    return change_page{"[]", 0, "cursor", false};
  }};
}

session_registry_actor::behavior_type fake_registry(session_registry_actor::pointer, notes* n) {
  return {[n](const open_session& o) -> caf::result<session_opened> {
            if (o.user.value == "many")
              return to_caf({errc::overloaded, "too many open connections of this user"});
            n->note([&] { n->opened.push_back(o); });
            return session_opened{};
          },
          [n](const close_session&) { n->note([&] { ++n->closed; }); }, [](const changes_noticed&) {},
          [](notices_missed) {}};
}

boost::asio::awaitable<result<user_id>> token_is_user(const http::request& req) {
  auto header = req.headers.find("authorization");
  if (header == req.headers.end() || !header->second.starts_with("Bearer "))
    co_return failure{errc::unauthorized, "no token"};
  co_return user_id{header->second.substr(7)};
}

const timestamp noon{1'800'000'000'000ms};

struct http_sync_routes : mana::testing::http_routes_fixture {
  ~http_sync_routes() override {
    if (server)
      server->stop(2s).wait();
    loop.join();
    for (auto& a : {caf::actor_cast<caf::actor>(handles.pusher), caf::actor_cast<caf::actor>(handles.puller),
                    caf::actor_cast<caf::actor>(handles.sessions)})
      caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
  }

  void start(http::server_config c = {}) {
    handles.pusher = sys.spawn(fake_pusher, &seen);
    handles.puller = sys.spawn(fake_puller, &seen);
    handles.sessions = sys.spawn(fake_registry, &seen);
    http::sync_front f;
    f.system = &sys;
    f.handles = [this] { return handles; };
    f.identify = token_is_user;
    f.claims_of = [this](std::string token) -> boost::asio::awaitable<result<jwt::claims>> {
      if (token == "wrong")
        co_return failure{errc::unauthorized, "the token is wrong"};
      co_return jwt::claims{token, noon + token_life};
    };
    f.now = [] { return noon; };
    f.base_url = "https://mana.test";
    f.cors_origins = {"https://app.test"};
    f.sign_in_within = sign_in_within;
    f.observer.socket_closed = [this](std::string_view why) { seen.note([&] { seen.reasons.emplace_back(why); }); };
    http::router routes;
    http::add_sync_routes(routes, std::make_shared<const http::sync_front>(std::move(f)));
    c.body_rule_of = routes.as_body_rules();
    auto s = http::server::start(loop, std::move(c), routes.as_handler());
    ASSERT_TRUE(s) << s.error().detail;
    server = std::move(*s);
  }
  mana::testing::answer post(const std::string& body, const std::string& headers = "Authorization: Bearer u1\r\n") {
    return call("POST", "/sync/todo", headers, body);
  }
  mana::testing::answer get(const std::string& path) { return call("GET", path, "Authorization: Bearer u1\r\n"); }

  // A socket of `user` that has signed in; its outbox.
  std::shared_ptr<session_outbox> signed_in(ws_socket& s, const std::string& user = "u1") {
    s.sign_in(user);
    EXPECT_EQ(s.message(), R"({"type":"auth-ok"})");
    std::lock_guard lock{seen.mutex};
    return seen.opened.empty() ? nullptr : seen.opened.back().outbox;
  }
  void on_loop(std::function<void()> f) { boost::asio::post(loop.context(), std::move(f)); }
  bool closed_because(const std::string& why) {
    return seen.wait([&] { return !seen.reasons.empty(); }) && seen.reasons.back() == why;
  }

  notes seen;
  sync_handles handles;
  std::chrono::milliseconds token_life = 1h;
  std::chrono::milliseconds sign_in_within = 10s;
};

// -- push and pull ----------------------------------------------------------------------------------------

TEST_F(http_sync_routes, a_push_answers_the_page_behind_it) {
  start();
  auto a = post("{}");
  EXPECT_EQ(a.status, 200u);
  EXPECT_EQ(a.body, R"({"serverChanges":[{"id":"t1"}],"conflicts":[],"syncedUntil":"cursor","hasMore":true})");
  EXPECT_EQ(seen.pushed.at(0).user.value, "u1");
  EXPECT_EQ(seen.pushed.at(0).app, "todo");
}

TEST_F(http_sync_routes, what_is_wrong_with_a_push_is_400_and_names_the_field) {
  start();
  auto a = post("bad");
  EXPECT_EQ(a.status, 400u);
  EXPECT_EQ(a.json().text("error"), "changes[3].op: is bad");
  EXPECT_EQ(a.json().text("code"), "BAD_REQUEST");
  EXPECT_EQ(call("POST", "/sync/a%20b", "Authorization: Bearer u1\r\n", "{}").status, 400u);
}

TEST_F(http_sync_routes, without_a_token_nobody_is_asked) {
  start();
  EXPECT_EQ(post("{}", "").status, 401u);
  EXPECT_EQ(call("GET", "/sync/todo/pull").status, 401u);
  EXPECT_TRUE(seen.pushed.empty() && seen.pulled.empty());
}

TEST_F(http_sync_routes, a_push_may_be_ten_mebibytes_and_nothing_else_may) {
  start();
  EXPECT_EQ(post(std::string(http::max_push_bytes, ' ')).status, 200u);
  auto head = [](const std::string& path, const std::string& length) {
    return "POST " + path + " HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer u1\r\n" + length + "\r\n\r\n";
  };
  for (auto& request : {head("/sync/todo", "Content-Length: " + std::to_string(http::max_push_bytes + 1)),
                        head("/sync/todo/pull", "Content-Length: 1048577"), head("/ws", "Content-Length: 1048577"),
                        head("/elsewhere", "Content-Length: 1048577")}) {
    mana::testing::http_socket s{server->port()};
    s.send(request);
    EXPECT_EQ(receive(s).status, 413u) << request;
  }
  mana::testing::http_socket s{server->port()};
  s.send(head("/sync/todo", "Transfer-Encoding: chunked") + "A00001\r\n");
  EXPECT_EQ(receive(s).status, 413u);
}

TEST_F(http_sync_routes, a_large_body_is_not_read_from_strangers) {
  start();
  for (auto* length : {"Content-Length: 2000000", "Transfer-Encoding: chunked"}) {
    mana::testing::http_socket s{server->port()};
    s.send(std::string{"POST /sync/todo HTTP/1.1\r\nHost: h\r\n"} + length + "\r\n\r\n");
    EXPECT_EQ(receive(s).status, 401u) << length << ": before any of it was sent";
  }
}

TEST_F(http_sync_routes, only_so_many_large_bodies_are_read_at_once) {
  http::server_config c;
  c.max_large_bodies = 1;
  start(c);
  std::string large = "POST /sync/todo HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer u1\r\nContent-Length: 2000000\r\n"
                      "Expect: 100-continue\r\n\r\n";
  mana::testing::http_socket first{server->port()};
  first.send(large);
  EXPECT_EQ(first.response(true).substr(9, 3), "100");
  mana::testing::http_socket second{server->port()};
  second.send(large);
  EXPECT_EQ(receive(second).status, 503u);
  EXPECT_EQ(post("{}").status, 200u) << "small ones go on";
  first.send(std::string(2'000'000, ' '));
  EXPECT_EQ(first.response().substr(9, 3), "200");
  EXPECT_EQ(post(std::string(2'000'000, ' ')).status, 200u) << "the place is free again";
}

TEST_F(http_sync_routes, a_pull_takes_its_parameters) {
  start();
  auto a = get("/sync/todo/pull?since=c1-x&collection=tasks&limit=7");
  EXPECT_EQ(a.status, 200u);
  EXPECT_EQ(a.body, R"({"serverChanges":[],"conflicts":[],"syncedUntil":"cursor","hasMore":false})");
  auto& p = seen.pulled.at(0);
  EXPECT_EQ(p.user.value + ' ' + p.app + ' ' + p.since + ' ' + p.collection, "u1 todo c1-x tasks");
  EXPECT_EQ(p.limit, 7u);
  const std::pair<const char*, std::size_t> limits[] = {
      {"", 500}, {"?limit=", 500}, {"?limit=0", 1}, {"?limit=-5", 1}, {"?limit=5000", 1000}};
  for (auto& [given, taken] : limits) {
    EXPECT_EQ(get(std::string{"/sync/todo/pull"} + given).status, 200u);
    EXPECT_EQ(seen.pulled.back().limit, taken) << given;
  }
  EXPECT_EQ(get("/sync/todo/pull?limit=many").json().text("error"), "limit: must be a whole number");
  EXPECT_EQ(get("/sync/todo/pull?collection=a%20b").status, 400u);
}

TEST_F(http_sync_routes, trouble_of_the_database_is_503_without_detail) {
  start();
  auto a = get("/sync/down/pull");
  EXPECT_EQ(a.status, 503u);
  EXPECT_EQ(a.json().text("code"), "DATABASE_UNAVAILABLE");
  EXPECT_EQ(a.body.find("secret"), std::string::npos);
}

// -- WebSocket --------------------------------------------------------------------------------------------

TEST_F(http_sync_routes, a_socket_signs_in_and_is_told_of_changes) {
  start();
  ws_socket s{server->port()};
  EXPECT_EQ(s.status(), 101u);
  EXPECT_NE(s.answer().find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), std::string::npos) << s.answer();
  auto box = signed_in(s);
  ASSERT_TRUE(box);
  on_loop([box] { box->add("todo", {"tasks"}); });
  EXPECT_EQ(s.message(), R"({"type":"sync-available","appId":"todo","tables":["tasks"]})");
  on_loop([box] { box->add("*", {}); });
  EXPECT_EQ(s.message(), R"({"type":"sync-available","appId":"*","tables":[]})");
  s.send("hello");
  on_loop([box] { box->add("notes", {}); });
  EXPECT_EQ(s.message(), R"({"type":"sync-available","appId":"notes","tables":[]})") << "what it says is ignored";
  s.send(std::string{"\x03\xE8", 2}, 0x8);
  EXPECT_EQ(s.close_code(), 1000u);
  EXPECT_TRUE(closed_because("client"));
  EXPECT_TRUE(seen.wait([this] { return seen.closed == 1; }));
}

TEST_F(http_sync_routes, a_client_that_vanishes_is_forgotten) {
  start();
  {
    ws_socket s{server->port()};
    signed_in(s);
  }
  EXPECT_TRUE(closed_because("client"));
  EXPECT_TRUE(seen.wait([this] { return seen.closed == 1; }));
}

TEST_F(http_sync_routes, without_a_token_that_holds_the_socket_is_closed_4401) {
  start();
  for (std::string first : {R"({"type":"auth","token":"wrong"})", R"({"type":"hello"})", R"({"type":"auth"})", "x",
                            R"({"type":"auth","token":5})"}) {
    ws_socket s{server->port()};
    s.send(first);
    EXPECT_EQ(s.close_code(), 4401u) << first;
  }
  EXPECT_TRUE(closed_because("unauthorized"));
  EXPECT_TRUE(seen.opened.empty());
}

TEST_F(http_sync_routes, who_says_nothing_is_closed_4401) {
  sign_in_within = 20ms;
  start();
  ws_socket s{server->port()};
  EXPECT_EQ(s.close_code(), 4401u);
  EXPECT_TRUE(closed_because("unauthorized"));
}

TEST_F(http_sync_routes, at_the_end_of_the_token_the_socket_is_closed_4401) {
  token_life = 50ms;
  start();
  ws_socket s{server->port()};
  signed_in(s);
  EXPECT_EQ(s.close_code(), 4401u);
  EXPECT_TRUE(closed_because("expired"));
  EXPECT_TRUE(seen.wait([this] { return seen.closed == 1; }));
}

TEST_F(http_sync_routes, too_many_sockets_of_a_user_are_told_to_come_later) {
  start();
  ws_socket s{server->port()};
  s.sign_in("many");
  EXPECT_EQ(s.close_code(), 1013u);
  EXPECT_TRUE(closed_because("refused"));
}

TEST_F(http_sync_routes, large_messages_close_the_socket) {
  start();
  ws_socket s{server->port()};
  signed_in(s);
  s.send(std::string(4096, 'x'));
  s.send(std::string(4097, 'x'));
  EXPECT_EQ(s.close_code(), 1009u);
}

TEST_F(http_sync_routes, when_the_registry_ends_the_client_connects_anew) {
  start();
  ws_socket s{server->port()};
  auto box = signed_in(s);
  on_loop([box] { box->close(); });
  EXPECT_EQ(s.close_code(), 1012u);
}

TEST_F(http_sync_routes, when_the_service_stops_sockets_are_closed_1001) {
  start();
  ws_socket s{server->port()};
  signed_in(s);
  ws_socket silent{server->port()};
  auto stopped = server->stop(20s);
  EXPECT_EQ(s.close_code(), 1001u);
  EXPECT_EQ(silent.close_code(), 1001u) << "one that has not signed in";
  stopped.wait();
  EXPECT_EQ(stopped.get().cut, 0u);
}

TEST_F(http_sync_routes, a_client_that_answers_no_ping_is_cut) {
  http::server_config c;
  c.sockets.idle_timeout = 200ms;
  start(c);
  ws_socket s{server->port()};
  signed_in(s);
  EXPECT_EQ(s.receive(true).opcode, 0x9);
  EXPECT_EQ(s.receive(true).opcode, 0u) << "the connection is gone";
  EXPECT_TRUE(closed_because("slow"));
}

TEST_F(http_sync_routes, a_client_that_does_not_read_is_cut) {
  http::server_config c;
  c.sockets.write_timeout = 100ms;
  start(c);
  ws_socket s{server->port(), "/ws", "", 4096};
  auto box = signed_in(s);
  std::vector<std::string> tables(60, std::string(1'000, 'x'));
  for (std::size_t i = 0; i < tables.size(); ++i)
    tables[i] += std::to_string(i);
  // As long as it lives it is told something: its window fills up.
  std::function<void()> fill = [&] {
    box->add("todo", tables);
    std::lock_guard lock{seen.mutex};
    if (seen.reasons.empty())
      boost::asio::post(loop.context(), fill);
  };
  on_loop(fill);
  EXPECT_TRUE(closed_because("slow"));
  std::promise<void> settled;
  on_loop([&] { settled.set_value(); });
  settled.get_future().wait();
}

TEST_F(http_sync_routes, pages_of_other_origins_get_no_socket) {
  start();
  for (auto* origin : {"https://mana.test", "https://app.test", "http://h"})
    EXPECT_EQ(ws_socket(server->port(), "/ws", std::string{"Origin: "} + origin + "\r\n").status(), 101u) << origin;
  for (auto* origin : {"https://evil.test", "null"})
    EXPECT_EQ(ws_socket(server->port(), "/ws", std::string{"Origin: "} + origin + "\r\n").status(), 403u) << origin;
}

TEST_F(http_sync_routes, without_a_handshake_the_answer_says_what_is_spoken_there) {
  start();
  auto a = get("/ws");
  EXPECT_EQ(a.status, 426u);
  EXPECT_NE(a.head.find("\r\nUpgrade: websocket\r\n"), std::string::npos);
}

TEST_F(http_sync_routes, while_the_service_starts_or_stops_the_answer_is_503) {
  start();
  for (auto& a : {caf::actor_cast<caf::actor>(handles.pusher), caf::actor_cast<caf::actor>(handles.puller),
                  caf::actor_cast<caf::actor>(handles.sessions)})
    caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
  handles = {};
  EXPECT_EQ(post("{}").status, 503u);
  EXPECT_EQ(get("/sync/todo/pull").status, 503u);
  ws_socket s{server->port()};
  s.sign_in("u1");
  EXPECT_EQ(s.close_code(), 1013u);
}

} // namespace
