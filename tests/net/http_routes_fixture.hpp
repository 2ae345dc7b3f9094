// A server on a free loopback port with the routes that a test adds.
#pragma once

#include "http/server/observe.hpp"
#include "http/server/router.hpp"
#include "infra/json/value.hpp"
#include "tests/net/http_socket.hpp"

#include <caf/all.hpp>

#include <gtest/gtest.h>

namespace mana::testing {

struct answer {
  unsigned status = 0;
  std::string head;
  std::string body;
  json::value json() const {
    auto v = json::parse(body);
    return v ? std::move(*v) : json::value{};
  }
};

struct http_routes_fixture : ::testing::Test {
  ~http_routes_fixture() override {
    if (server)
      server->stop(std::chrono::milliseconds{0}).wait();
  }

  void serve(const http::router& routes) {
    http::server_config c;
    c.observe = http::observe_into(std::make_shared<metrics::http_metrics>(registry), c.tracer);
    auto s = http::server::start(loop, c, routes.as_handler());
    ASSERT_TRUE(s) << s.error().detail;
    server = std::move(*s);
  }

  http_socket send(const std::string& method, const std::string& path, const std::string& headers = "",
                   const std::string& body = "") {
    http_socket s{server->port()};
    s.send(method + ' ' + path + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" + headers
           + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    return s;
  }
  static answer receive(http_socket& s) {
    auto text = s.rest();
    answer out;
    auto end = text.find("\r\n\r\n");
    if (end == text.npos)
      return out;
    out.status = static_cast<unsigned>(std::stoul(text.substr(9, 3)));
    out.head = text.substr(0, end + 2);
    out.body = text.substr(end + 4);
    return out;
  }
  answer call(const std::string& method, const std::string& path, const std::string& headers = "",
              const std::string& body = "") {
    auto s = send(method, path, headers, body);
    return receive(s);
  }

  metrics::registry registry;
  caf::actor_system_config caf_config;
  caf::actor_system sys{caf_config};
  io_loop loop{sys};
  std::unique_ptr<http::server> server;
};

} // namespace mana::testing
