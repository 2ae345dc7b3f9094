#include "http/openapi_routes.hpp"
#include "http/web/web_app.hpp"
#include "tests/net/http_routes_fixture.hpp"

using namespace mana;

namespace {

struct http_openapi_routes : mana::testing::http_routes_fixture {};

TEST_F(http_openapi_routes, serves_the_document_as_it_was_embedded) {
  http::router routes;
  http::add_openapi_routes(routes);
  serve(routes);
  auto got = call("GET", "/openapi.json");
  EXPECT_EQ(got.status, 200u);
  EXPECT_NE(got.head.find("Content-Type: application/json\r\n"), std::string::npos) << got.head;
  EXPECT_NE(got.head.find("Cache-Control: no-store\r\n"), std::string::npos) << got.head;
  EXPECT_EQ(got.body, http::openapi_document());
  EXPECT_EQ(got.json().text("openapi"), "3.1.0");
  EXPECT_EQ(call("HEAD", "/openapi.json").body, "");
  EXPECT_EQ(call("POST", "/openapi.json").status, 405u);
}

// As the service adds them: the app comes last, and a file of that name is not it.
TEST_F(http_openapi_routes, goes_before_a_file_of_the_app) {
  http::web_app app;
  app.files.by_path.emplace("/openapi.json", http::make_web_file("/openapi.json", "{}"));
  app.files.by_path.emplace("/index.html", http::make_web_file("/index.html", "<!doctype html>"));
  http::router routes;
  http::add_openapi_routes(routes);
  http::add_web_routes(routes, std::make_shared<const http::web_app>(std::move(app)));
  serve(routes);
  EXPECT_EQ(call("GET", "/openapi.json").body, http::openapi_document());
}

} // namespace
