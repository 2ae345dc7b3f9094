// The web target over real connections: what Beast and the server make of it on the way.
#include "http/probe_routes.hpp"
#include "http/web/web_app.hpp"
#include "tests/net/http_routes_fixture.hpp"
#include "tests/unit/web/web_directory.hpp"

using namespace mana;
using mana::testing::answer;
using mana::testing::http_routes_fixture;
using mana::testing::web_directory;

namespace {

struct http_web : http_routes_fixture {
  http_web() {
    d.write("index.html", "<html>");
    d.write("assets/app-1a2b.js", script);
    d.write("assets/app-1a2b.js.br", std::string("\x0b\0\xff", 3));
    std::ofstream{d.outside() / "secret.txt"} << "secret";
    auto app = http::load_web_app(d.path(), {});
    EXPECT_TRUE(app);
    http::router routes;
    http::add_probe_routes(routes, {http::always_ready()}, registry, "1.2.3");
    routes.add("GET", "/api/v1/known", [](http::request) -> boost::asio::awaitable<http::response> {
      http::response out;
      out.body = "{}";
      co_return out;
    });
    http::add_web_routes(routes, std::make_shared<const http::web_app>(std::move(*app)));
    serve(routes);
  }

  static std::string header(const answer& a, const std::string& name) {
    auto at = a.head.find("\r\n" + name + ": ");
    if (at == a.head.npos)
      return "none";
    at += name.size() + 4;
    return a.head.substr(at, a.head.find("\r\n", at) - at);
  }
  static std::size_t count(const std::string& text, const std::string& part) {
    std::size_t n = 0;
    for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1))
      ++n;
    return n;
  }

  const std::string script = std::string(300'000, 'x') + '\0' + "end";
  web_directory d;
};

TEST_F(http_web, sends_every_byte_of_a_file) {
  auto a = call("GET", "/assets/app-1a2b.js");
  EXPECT_EQ(a.status, 200u);
  EXPECT_EQ(a.body, script);
  EXPECT_EQ(header(a, "Content-Length"), std::to_string(script.size()));
  auto compressed = call("GET", "/assets/app-1a2b.js", "Accept-Encoding: gzip, br\r\n");
  EXPECT_EQ(compressed.body, std::string("\x0b\0\xff", 3));
  EXPECT_EQ(header(compressed, "Content-Encoding"), "br");
}

TEST_F(http_web, sends_each_header_once) {
  auto a = call("GET", "/assets/app-1a2b.js");
  EXPECT_EQ(count(a.head, "Cache-Control:"), 1u) << a.head;
  EXPECT_EQ(header(a, "Cache-Control"), "public, max-age=31536000, immutable");
  EXPECT_EQ(count(a.head, "X-Content-Type-Options: nosniff"), 1u);
  EXPECT_EQ(count(a.head, "Content-Type:"), 1u);
  EXPECT_EQ(header(call("GET", "/health"), "Cache-Control"), "no-store");
  EXPECT_NE(header(call("GET", "/"), "Content-Security-Policy").find("connect-src 'self' ws://h wss://h;"),
            std::string::npos);
}

TEST_F(http_web, answers_head_and_304_without_a_body) {
  auto head = call("HEAD", "/assets/app-1a2b.js");
  EXPECT_EQ(head.status, 200u);
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(header(head, "Content-Length"), std::to_string(script.size()));
  auto unchanged = call("GET", "/assets/app-1a2b.js", "If-None-Match: " + header(head, "ETag") + "\r\n");
  EXPECT_EQ(unchanged.status, 304u);
  EXPECT_EQ(unchanged.body, "");
  EXPECT_EQ(header(unchanged, "Content-Length"), "none");
  EXPECT_EQ(header(unchanged, "ETag"), header(head, "ETag"));
}

TEST_F(http_web, goes_on_with_a_connection_after_304) {
  auto tag = header(call("GET", "/"), "ETag");
  mana::testing::http_socket s{server->port()};
  for (int i = 0; i < 2; ++i) {
    s.send("GET / HTTP/1.1\r\nHost: h\r\nIf-None-Match: " + tag + "\r\n\r\n");
    EXPECT_TRUE(s.response(true).starts_with("HTTP/1.1 304 ")) << i;
  }
  s.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(s.response().ends_with("<html>"));
}

TEST_F(http_web, shows_the_app_on_its_pages_and_json_elsewhere) {
  EXPECT_EQ(call("GET", "/missions/4711").body, "<html>");
  for (auto* path : {"/api/v1/unknown", "/api", "/sync/todo/unknown", "/internal/unknown", "/ws", "/assets/gone.js"}) {
    auto a = call("GET", path);
    EXPECT_EQ(a.status, 404u) << path;
    EXPECT_EQ(a.json().text("code"), "NOT_FOUND") << path;
  }
  EXPECT_EQ(call("GET", "/api/v1/known").body, "{}");
  EXPECT_EQ(call("POST", "/api/v1/known").status, 405u);
  EXPECT_EQ(call("POST", "/missions").status, 405u);
  EXPECT_EQ(call("GET", "/ready").status, 200u);
}

TEST_F(http_web, gives_nothing_from_outside) {
  for (auto* path : {"/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/assets/../../secret.txt",
                     "/assets/..%5c..%5csecret.txt", "/./../secret.txt", "/%2e%2e%2fsecret.txt"}) {
    auto a = call("GET", path);
    EXPECT_EQ(a.status, 404u) << path;
    EXPECT_EQ(a.body.find("secret"), std::string::npos) << path;
  }
  EXPECT_EQ(call("GET", "/assets/%00app-1a2b.js").status, 400u);
  EXPECT_EQ(call("GET", "../secret.txt").status, 400u);
}

TEST_F(http_web, counts_requests_by_pattern) {
  call("GET", "/assets/app-1a2b.js");
  call("GET", "/missions/4711");
  call("GET", "/index.html");
  call("GET", "/assets/gone-4711.js");
  auto text = registry.text();
  for (auto* pattern : {"path=\"/assets/{file}\"", "path=\"/{page}\"", "path=\"/{file}\""})
    EXPECT_NE(text.find(pattern), std::string::npos) << pattern;
  for (auto* raw : {"4711", "app-1a2b", "index.html"})
    EXPECT_EQ(text.find(raw), std::string::npos) << raw;
}

} // namespace
