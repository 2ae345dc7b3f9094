#include "http/web/web_app.hpp"

#include "http/server/target.hpp"
#include "infra/json/value.hpp"
#include "tests/unit/web/web_directory.hpp"

using namespace mana;
using namespace mana::http;
using mana::testing::web_directory;

namespace {

request asked(const std::string& target, std::map<std::string, std::string> headers = {}) {
  auto t = parse_target(target);
  EXPECT_TRUE(t) << target;
  request out;
  out.method = "GET";
  out.path = t->path;
  out.segments = t->segments;
  out.headers = std::move(headers);
  return out;
}

std::string header(const response& r, std::string_view name) {
  for (auto& [n, value] : r.headers)
    if (n == name)
      return value;
  return "none";
}

struct web_app_test : ::testing::Test {
  web_app_test() {
    d.write("index.html", "<html>");
    d.write("index.html.br", "html in brotli");
    d.write("assets/app-1a2b.js", "script");
    d.write("assets/app-1a2b.js.br", "script in brotli");
    d.write("assets/app-1a2b.js.gz", "script in gzip");
    d.write("icon.svg", "<svg/>");
    std::ofstream{d.outside() / "secret.txt"} << "secret";
    web_config c;
    c.default_time_zone = "Europe/Berlin";
    c.version = "1.2.3";
    auto loaded = load_web_app(d.path(), c);
    EXPECT_TRUE(loaded);
    app = std::move(*loaded);
  }

  bool is_file(const std::string& target) const { return find_file(app, asked(target)) != nullptr; }

  web_directory d;
  web_app app;
};

TEST_F(web_app_test, has_files_by_their_exact_path_only) {
  for (auto* target : {"/index.html", "/assets/app-1a2b.js", "/icon.svg", "/config.json", "/assets/app%2D1a2b.js",
                       "/icon.svg?v=2", "http://host/icon.svg"})
    EXPECT_TRUE(is_file(target)) << target;
  for (auto* target :
       {"/", "/assets", "/assets/", "/Icon.svg", "/icon.svg/", "//icon.svg", "/./icon.svg", "/assets/../icon.svg",
        "/assets/%2e%2e/icon.svg", "/assets%2Fapp-1a2b.js", "/icon.svg%20", "/index.html.br", "/assets/app-1a2b.js.gz"})
    EXPECT_FALSE(is_file(target)) << target;
}

TEST_F(web_app_test, reaches_nothing_outside_its_directory) {
  for (auto* target : {"/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/%2e%2e%2fsecret.txt",
                       "/..%5csecret.txt", "/assets/../../secret.txt", "/assets/..%2f..%2fsecret.txt",
                       "/..;/secret.txt", "/%252e%252e/secret.txt", "/etc/passwd", "//etc/passwd", "/.../secret.txt",
                       "/assets/....//....//secret.txt", "/file:///etc/passwd", "/index.html/../../secret.txt"})
    EXPECT_FALSE(is_file(target)) << target;
}

TEST_F(web_app_test, answers_pages_but_not_what_looks_like_a_file_or_a_service) {
  for (auto* target :
       {"/", "/missions", "/missions/4711", "/missions/", "/workbench/access?mission=a.b", "/apis", "/a%20b"})
    EXPECT_TRUE(is_page(asked(target))) << target;
  for (auto* target : {"/api", "/api/", "/api/v1/nothing", "/sync", "/sync/todo/nothing", "/internal/x", "/ws", "/ws/x",
                       "/health/x", "/v1/chat", "/missing.js", "/assets/gone-1.js", "/favicon.ico", "/.well-known/x",
                       "/a.b/c", "//missions", "/missions//x", "*"})
    EXPECT_FALSE(is_page(asked(target))) << target;
}

TEST_F(web_app_test, lets_assets_be_kept_for_good_and_all_else_be_asked_again) {
  auto of = [&](const std::string& target) { return header(file_answer(app, asked(target)), "Cache-Control"); };
  EXPECT_EQ(of("/assets/app-1a2b.js"), "public, max-age=31536000, immutable");
  EXPECT_EQ(of("/index.html"), "no-cache");
  EXPECT_EQ(of("/icon.svg"), "no-cache");
  EXPECT_EQ(of("/config.json"), "no-cache");
  EXPECT_EQ(header(page_answer(app, asked("/missions")), "Cache-Control"), "no-cache");
}

TEST_F(web_app_test, sends_the_compressed_file_where_it_is_accepted) {
  auto plain = file_answer(app, asked("/assets/app-1a2b.js"));
  EXPECT_EQ(plain.content(), "script");
  EXPECT_EQ(header(plain, "Content-Encoding"), "none");
  EXPECT_EQ(header(plain, "Vary"), "Accept-Encoding");
  EXPECT_EQ(plain.content_type, "text/javascript; charset=utf-8");
  auto brotli = file_answer(app, asked("/assets/app-1a2b.js", {{"accept-encoding", "gzip, br"}}));
  EXPECT_EQ(brotli.content(), "script in brotli");
  EXPECT_EQ(header(brotli, "Content-Encoding"), "br");
  EXPECT_EQ(header(brotli, "Vary"), "Accept-Encoding");
  EXPECT_EQ(brotli.content_type, "text/javascript; charset=utf-8");
  auto gzip = file_answer(app, asked("/assets/app-1a2b.js", {{"accept-encoding", "gzip"}}));
  EXPECT_EQ(gzip.content(), "script in gzip");
  EXPECT_EQ(header(gzip, "Content-Encoding"), "gzip");
  EXPECT_NE(header(gzip, "ETag"), header(brotli, "ETag"));
  EXPECT_NE(header(gzip, "ETag"), header(plain, "ETag"));
  EXPECT_EQ(page_answer(app, asked("/missions", {{"accept-encoding", "br"}})).content(), "html in brotli");
  EXPECT_EQ(header(file_answer(app, asked("/icon.svg", {{"accept-encoding", "br"}})), "Vary"), "none");
}

TEST_F(web_app_test, answers_304_for_the_representation_that_the_browser_has) {
  std::map<std::string, std::string> accepts{{"accept-encoding", "br"}};
  auto first = file_answer(app, asked("/assets/app-1a2b.js", accepts));
  auto again = accepts;
  again["if-none-match"] = header(first, "ETag");
  auto second = file_answer(app, asked("/assets/app-1a2b.js", again));
  EXPECT_EQ(second.status, 304u);
  EXPECT_EQ(second.content(), "");
  EXPECT_EQ(header(second, "ETag"), header(first, "ETag"));
  EXPECT_EQ(header(second, "Vary"), "Accept-Encoding");
  EXPECT_EQ(header(second, "Cache-Control"), header(first, "Cache-Control"));
  EXPECT_EQ(header(second, "Content-Encoding"), "none");
  again.erase("accept-encoding");
  EXPECT_EQ(file_answer(app, asked("/assets/app-1a2b.js", again)).status, 200u);
  again["if-none-match"] = header(page_answer(app, asked("/missions")), "ETag");
  EXPECT_EQ(page_answer(app, asked("/", again)).status, 304u);
}

TEST_F(web_app_test, sends_the_policy_with_files_pages_and_304) {
  std::map<std::string, std::string> from{{"host", "app.example:8443"}};
  auto page = page_answer(app, asked("/", from));
  auto policy = header(page, "Content-Security-Policy");
  EXPECT_NE(policy.find(" wss://app.example:8443;"), std::string::npos) << policy;
  from["if-none-match"] = header(page, "ETag");
  auto unchanged = page_answer(app, asked("/", from));
  EXPECT_EQ(unchanged.status, 304u);
  EXPECT_EQ(header(unchanged, "Content-Security-Policy"), policy);
  for (auto* name : {"Content-Security-Policy", "Referrer-Policy", "Cross-Origin-Opener-Policy", "Permissions-Policy"})
    EXPECT_NE(header(file_answer(app, asked("/assets/app-1a2b.js")), name), "none") << name;
}

// -- what the app is told ---------------------------------------------------------------------------

TEST_F(web_app_test, tells_the_app_where_the_services_are) {
  auto answer = file_answer(app, asked("/config.json"));
  EXPECT_EQ(answer.content_type, "application/json");
  EXPECT_EQ(answer.content(), R"({"authUrl":"","syncUrl":"","runnerUrl":"","signIn":false,"registration":false,)"
                              R"("defaultTimeZone":"Europe/Berlin","version":"1.2.3"})");
  EXPECT_EQ(app.origins, std::vector<std::string>{});
}

TEST(web_config, leads_to_the_origins_that_the_app_connects_to) {
  web_config c;
  c.auth_url = "https://auth.example/base";
  c.runner_url = "https://auth.example";
  c.sync_url = "https://sync.example:8443/x/y";
  EXPECT_EQ(connect_origins(c),
            (std::vector<std::string>{"https://auth.example", "https://sync.example:8443", "wss://sync.example:8443"}));
  c = {};
  c.sync_url = "http://localhost:3069";
  EXPECT_EQ(connect_origins(c), (std::vector<std::string>{"http://localhost:3069", "ws://localhost:3069"}));
}

TEST(web_config, cannot_be_replaced_by_a_file) {
  web_directory d;
  d.write("index.html", "<html>");
  d.write("config.json", "{}");
  d.write("config.json.br", "compressed");
  auto app = load_web_app(d.path(), {});
  ASSERT_TRUE(app);
  auto answer = file_answer(*app, asked("/config.json", {{"accept-encoding", "br"}}));
  EXPECT_EQ(answer.content().substr(0, 11), R"({"authUrl":)");
}

} // namespace
