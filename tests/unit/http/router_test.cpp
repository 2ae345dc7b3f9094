#include "http/server/router.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <gtest/gtest.h>

using namespace mana::http;

namespace {

namespace asio = boost::asio;

handler says(std::string text) {
  return [text](request r) -> asio::awaitable<response> {
    response out;
    out.body = text;
    for (auto& [name, value] : r.path_params)
      out.body += ' ' + name + '=' + value;
    co_return out;
  };
}

router example() {
  router r;
  r.add("GET", "/", says("root"));
  r.add("GET", "/missions", says("list"));
  r.add("POST", "/missions", says("create"));
  r.add("GET", "/missions/special", says("special"));
  r.add("GET", "/missions/{id}", says("one"));
  r.add("DELETE", "/users/{user}/missions/{id}", says("delete"));
  return r;
}

response ask(const router& r, std::string method, std::vector<std::string> segments) {
  request req;
  req.method = std::move(method);
  for (auto& s : segments)
    (req.path += '/') += s;
  req.segments = std::move(segments);
  asio::io_context context;
  response out;
  auto h = r.as_handler();
  asio::co_spawn(context, h(std::move(req)), [&](std::exception_ptr e, response answer) {
    EXPECT_FALSE(e);
    out = std::move(answer);
  });
  context.run();
  return out;
}

std::string header(const response& r, std::string_view name) {
  for (auto& [n, value] : r.headers)
    if (n == name)
      return value;
  return "none";
}

TEST(router, finds_the_handler_and_tells_the_pattern) {
  auto r = example();
  EXPECT_EQ(ask(r, "GET", {""}).body, "root");
  EXPECT_EQ(ask(r, "GET", {"missions"}).body, "list");
  EXPECT_EQ(ask(r, "POST", {"missions"}).body, "create");
  EXPECT_EQ(ask(r, "GET", {"missions", "special"}).body, "special");
  auto one = ask(r, "GET", {"missions", "a/b"});
  EXPECT_EQ(one.body, "one id=a/b");
  EXPECT_EQ(one.route, "/missions/{id}");
  EXPECT_EQ(ask(r, "DELETE", {"users", "u", "missions", "m"}).body, "delete id=m user=u");
}

TEST(router, answers_404_for_unknown_paths) {
  auto r = example();
  for (auto& path : std::vector<std::vector<std::string>>{
           {"nothing"}, {"missions", ""}, {"missions", "x", "y"}, {"Missions"}, {"users", "u", "missions"}, {}}) {
    auto answer = ask(r, "GET", path);
    EXPECT_EQ(answer.status, 404u);
    EXPECT_EQ(answer.route, "");
    EXPECT_EQ(answer.body, R"({"error":"no such route","code":"NOT_FOUND"})");
  }
}

TEST(router, answers_405_with_the_methods_it_knows) {
  auto answer = ask(example(), "PUT", {"missions"});
  EXPECT_EQ(answer.status, 405u);
  EXPECT_EQ(header(answer, "Allow"), "GET, HEAD, OPTIONS, POST");
  EXPECT_EQ(answer.route, "/missions");
  EXPECT_EQ(header(ask(example(), "GET", {"users", "u", "missions", "m"}), "Allow"), "DELETE, OPTIONS");
}

TEST(router, answers_head_like_get_and_options_with_204) {
  auto r = example();
  EXPECT_EQ(ask(r, "HEAD", {"missions"}).body, "list");
  EXPECT_EQ(ask(r, "HEAD", {"users", "u", "missions", "m"}).status, 405u);
  auto options = ask(r, "OPTIONS", {"missions"});
  EXPECT_EQ(options.status, 204u);
  EXPECT_EQ(header(options, "Allow"), "GET, HEAD, OPTIONS, POST");
  EXPECT_EQ(ask(r, "OPTIONS", {"nothing"}).status, 404u);
}

// -- sets of paths ------------------------------------------------------------------------------------

router with_files() {
  auto r = example();
  r.add_set(
      "GET", "/assets/{file}", [](const request& q) { return q.path == "/assets/a.js" || q.path == "/assets/a/b.js"; },
      says("asset"));
  r.add_set(
      "GET", "/{page}", [](const request& q) { return q.segments.size() == 1; }, says("page"));
  return r;
}

TEST(router, gives_a_set_the_paths_that_no_pattern_before_it_has) {
  auto r = with_files();
  EXPECT_EQ(ask(r, "GET", {"missions"}).body, "list");
  auto deep = ask(r, "GET", {"assets", "a", "b.js"});
  EXPECT_EQ(deep.body, "asset");
  EXPECT_EQ(deep.route, "/assets/{file}");
  auto page = ask(r, "GET", {"anything"});
  EXPECT_EQ(page.body, "page");
  EXPECT_EQ(page.route, "/{page}");
  EXPECT_EQ(ask(r, "GET", {"assets", "other.js"}).status, 404u);
}

TEST(router, answers_the_other_methods_of_a_set_as_of_a_pattern) {
  auto r = with_files();
  EXPECT_EQ(ask(r, "HEAD", {"assets", "a.js"}).body, "asset");
  auto refused = ask(r, "POST", {"assets", "a.js"});
  EXPECT_EQ(refused.status, 405u);
  EXPECT_EQ(header(refused, "Allow"), "GET, HEAD, OPTIONS");
  EXPECT_EQ(refused.route, "/assets/{file}");
  EXPECT_EQ(ask(r, "OPTIONS", {"assets", "a.js"}).status, 204u);
  EXPECT_EQ(ask(r, "POST", {"assets", "other.js"}).status, 404u);
}

TEST(router, knows_what_it_contains) {
  auto r = example();
  EXPECT_TRUE(r.contains("GET", "/missions/{id}"));
  EXPECT_FALSE(r.contains("POST", "/missions/{id}"));
  EXPECT_FALSE(r.contains("GET", "/missions/{other}"));
}

} // namespace
