#include "http/web/web_app.hpp"

#include "http/web/negotiation.hpp"
#include "http/web/security_headers.hpp"
#include "infra/json/value.hpp"

#include <algorithm>

// g++ 12 inlines only the allocating half of Boost's coroutine frames and then sees a mismatch.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

namespace mana::http {

namespace {

using app_ptr = std::shared_ptr<const web_app>;

constexpr const char* config_path = "/config.json";
constexpr const char* shell_path = "/index.html";
constexpr const char* for_good = "public, max-age=31536000, immutable";
constexpr const char* ask_again = "no-cache";

// First segments of the services' paths. A typing error in one of them must not be answered by a page.
constexpr std::string_view reserved[] = {"api",   "sync",    "internal", "ws",     "health",
                                         "ready", "metrics", "v1",       "standin"};

std::string_view header(const request& req, const std::string& name) {
  auto i = req.headers.find(name);
  return i == req.headers.end() ? std::string_view{} : std::string_view{i->second};
}

bool is_asset(const request& req) { return req.segments.size() > 1 && req.segments.front() == "assets"; }

struct representation {
  shared_text body;
  std::string tag;
  const char* encoding = nullptr; // as in Content-Encoding
};

representation chosen(const web_file& f, const request& req) {
  auto coding = choose_coding(header(req, "accept-encoding"), {f.brotli != nullptr, f.gzip != nullptr});
  switch (coding) {
    case coding::brotli: return {f.brotli, '"' + f.tag + "-br\"", "br"};
    case coding::gzip: return {f.gzip, '"' + f.tag + "-gz\"", "gzip"};
    case coding::identity: break;
  }
  return {f.plain, '"' + f.tag + '"'};
}

response answer_of(const web_app& app, const web_file& f, const char* cache_control, const request& req) {
  auto r = chosen(f, req);
  response out;
  out.headers = security_headers(header(req, "host"), app.origins);
  out.headers.emplace_back("Cache-Control", cache_control);
  out.headers.emplace_back("ETag", r.tag);
  if (f.brotli || f.gzip)
    out.headers.emplace_back("Vary", "Accept-Encoding");
  if (names_tag(header(req, "if-none-match"), r.tag)) {
    out.status = 304;
    return out;
  }
  if (r.encoding != nullptr)
    out.headers.emplace_back("Content-Encoding", r.encoding);
  out.content_type = f.content_type;
  out.shared_body = std::move(r.body);
  return out;
}

boost::asio::awaitable<response> file(app_ptr app, request req) { co_return file_answer(*app, req); }
boost::asio::awaitable<response> page(app_ptr app, request req) { co_return page_answer(*app, req); }

std::string origin_of(std::string_view url) {
  auto host = url.find("://") + 3;
  return std::string{url.substr(0, url.find('/', host))};
}

} // namespace

std::string to_json(const web_config& c) {
  return json::to_text(json::object{{"authUrl", c.auth_url},
                                    {"syncUrl", c.sync_url},
                                    {"runnerUrl", c.runner_url},
                                    {"signIn", c.sign_in},
                                    {"registration", c.registration},
                                    {"defaultTimeZone", c.default_time_zone},
                                    {"version", c.version}});
}

std::vector<std::string> connect_origins(const web_config& c) {
  std::vector<std::string> out;
  auto add = [&](std::string origin) {
    if (std::find(out.begin(), out.end(), origin) == out.end())
      out.push_back(std::move(origin));
  };
  for (auto* url : {&c.auth_url, &c.sync_url, &c.runner_url})
    if (!url->empty())
      add(origin_of(*url));
  if (!c.sync_url.empty())
    add("ws" + origin_of(c.sync_url).substr(4));
  return out;
}

result<web_app> load_web_app(const std::string& directory, const web_config& c) {
  auto files = read_web_files(directory);
  if (!files)
    return std::move(files).error();
  files->by_path.insert_or_assign(config_path, make_web_file(config_path, to_json(c)));
  return web_app{std::move(*files), connect_origins(c)};
}

bool is_page(const request& req) {
  if (req.segments.empty() || req.path.find('.') != req.path.npos
      || std::find(std::begin(reserved), std::end(reserved), req.segments.front()) != std::end(reserved))
    return false;
  return std::none_of(req.segments.begin(), req.segments.end() - 1, [](auto& s) { return s.empty(); });
}

// An escaped slash separates nothing.
const web_file* find_file(const web_app& app, const request& req) {
  for (auto& s : req.segments)
    if (s.find('/') != s.npos)
      return nullptr;
  auto i = app.files.by_path.find(req.path);
  return i == app.files.by_path.end() ? nullptr : &i->second;
}

response file_answer(const web_app& app, const request& req) {
  return answer_of(app, *find_file(app, req), is_asset(req) ? for_good : ask_again, req);
}

response page_answer(const web_app& app, const request& req) {
  return answer_of(app, app.files.by_path.at(shell_path), ask_again, req);
}

void add_web_routes(router& r, std::shared_ptr<const web_app> app) {
  auto files = [app](request req) { return file(app, std::move(req)); };
  r.add_set(
      "GET", "/assets/{file}", [app](const request& req) { return is_asset(req) && find_file(*app, req) != nullptr; },
      files);
  r.add_set(
      "GET", "/{file}", [app](const request& req) { return find_file(*app, req) != nullptr; }, files);
  r.add_set("GET", "/{page}", is_page, [app](request req) { return page(app, std::move(req)); });
}

} // namespace mana::http
