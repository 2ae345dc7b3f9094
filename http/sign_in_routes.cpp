#include "http/sign_in_routes.hpp"

#include "http/server/error_response.hpp"
#include "infra/io/ask.hpp"
#include "infra/json/value.hpp"

#include <algorithm>

// g++ 12 inlines only the allocating half of Boost's coroutine frames and then sees a mismatch.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

namespace mana::http {

using boost::asio::awaitable;

// -- pure -----------------------------------------------------------------------------------------------

namespace {

constexpr const char* cookie_name = "mana_refresh";
constexpr const char* cookie_path = "/api/v1/auth";

failure bad_request(const char* what) { return {errc::bad_request, what}; }

// Why it is not an object with exactly these two texts.
std::optional<failure> wrong_members(const json::value& document) {
  auto* members = document.as_object();
  if (members == nullptr)
    return bad_request("the body is not a JSON object");
  for (auto& [name, value] : *members) {
    if (name != "name" && name != "password")
      return bad_request("the body has members besides name and password");
    if (value.as_string() == nullptr)
      return bad_request(name == "name" ? "name: must be a text" : "password: must be a text");
  }
  if (members->find("name") == nullptr)
    return bad_request("name: is missing");
  if (members->find("password") == nullptr)
    return bad_request("password: is missing");
  return std::nullopt;
}

void cleanse_text(std::string& s) { cleanse(s.data(), s.size()); }

void cleanse_texts(json::value& document) {
  if (auto* members = document.as_object())
    for (auto& m : *members)
      if (auto* text = m.second.as_string())
        cleanse_text(*text);
}

} // namespace

result<credentials> take_credentials(std::string& body) {
  auto document = json::parse(body);
  cleanse_text(body);
  if (!document)
    return bad_request("the body is not JSON");
  auto wrong = wrong_members(*document);
  credentials out;
  if (!wrong) {
    out.name = document->text("name");
    out.password = std::make_shared<const sensitive_text>(document->text("password"));
  }
  cleanse_texts(*document);
  if (wrong)
    return std::move(*wrong);
  return out;
}

std::string_view cookie_of(const request& req, std::string_view name) {
  auto header = req.headers.find("cookie");
  std::string_view rest = header == req.headers.end() ? std::string_view{} : std::string_view{header->second};
  while (!rest.empty()) {
    auto end = rest.find(';');
    auto one = rest.substr(0, end);
    one.remove_prefix(std::min(one.find_first_not_of(' '), one.size()));
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
    if (one.size() > name.size() && one.starts_with(name) && one[name.size()] == '=')
      return one.substr(name.size() + 1);
  }
  return {};
}

// -- routes ---------------------------------------------------------------------------------------------

namespace {

// Above what hashing takes behind a full queue.
constexpr std::chrono::seconds answer_timeout{30};
constexpr std::size_t max_body_bytes = 4 * 1024;

struct front_state {
  sign_in_front front;
  std::string own_origin;
  std::string cookie_attributes;
};
using front_ptr = std::shared_ptr<const front_state>;

std::string attributes_of_cookie(const std::string& base_url) {
  std::string out = std::string{"; HttpOnly; SameSite=Strict; Path="} + cookie_path;
  return base_url.starts_with("https://") ? out + "; Secure" : out;
}

void set_cookie(const front_state& f, response& r, const std::string& token) {
  auto age = std::chrono::floor<std::chrono::seconds>(f.front.session_ttl).count();
  r.headers.emplace_back("Set-Cookie", std::string{cookie_name} + '=' + token + f.cookie_attributes
                                           + "; Max-Age=" + std::to_string(age));
}

void remove_cookie(const front_state& f, response& r) {
  r.headers.emplace_back("Set-Cookie", std::string{cookie_name} + '=' + f.cookie_attributes + "; Max-Age=0");
}

response tokens_response(const front_state& f, const session_tokens& s) {
  response out;
  out.body = json::to_text(
      json::object{{"userId", s.user.value}, {"accessToken", s.access_token}, {"expiresAt", to_iso(s.expires_at)}});
  set_cookie(f, out, s.refresh_token);
  return out;
}

// Programs that are no browsers send no Origin, and no cookie that they do not mean to.
bool comes_from_own_origin(const front_state& f, const request& req) {
  auto origin = req.headers.find("origin");
  auto& known = f.front.cors_origins;
  return origin == req.headers.end() || origin->second == f.own_origin
         || std::find(known.begin(), known.end(), origin->second) != known.end();
}

awaitable<response> refuse_origin(front_ptr, request) {
  co_return error_response(403, "FORBIDDEN", "the request comes from another origin");
}

using route_function = awaitable<response> (*)(front_ptr, request);

result<credentials> credentials_in(request& req) {
  if (req.body.size() > max_body_bytes)
    return failure{errc::limit_exceeded, "the body is larger than 4 KiB"};
  return take_credentials(req.body);
}

awaitable<response> sign_up(front_ptr f, request req) {
  auto given = credentials_in(req);
  if (!given)
    co_return error_response(given.error());
  register_user question{std::move(given->name), std::move(given->password), std::move(req.remote_address)};
  auto done = co_await ask<registered_user>(*f->front.system, f->front.sign_in(), answer_timeout, question);
  if (!done)
    co_return error_response(done.error());
  response out;
  out.status = 201;
  out.body = json::to_text(json::object{{"userId", done->user.value}});
  co_return out;
}

awaitable<response> login(front_ptr f, request req) {
  auto given = credentials_in(req);
  if (!given)
    co_return error_response(given.error());
  log_in question{std::move(given->name), std::move(given->password), std::move(req.remote_address)};
  auto session = co_await ask<session_tokens>(*f->front.system, f->front.sign_in(), answer_timeout, question);
  co_return session ? tokens_response(*f, *session) : error_response(session.error());
}

awaitable<response> refresh(front_ptr f, request req) {
  refresh_session question{std::string{cookie_of(req, cookie_name)}};
  auto session = co_await ask<session_tokens>(*f->front.system, f->front.sign_in(), answer_timeout, question);
  if (session)
    co_return tokens_response(*f, *session);
  auto out = error_response(session.error());
  if (session.error().code == errc::unauthorized)
    remove_cookie(*f, out);
  co_return out;
}

awaitable<response> logout(front_ptr f, request req) {
  log_out question{std::string{cookie_of(req, cookie_name)}};
  auto done = co_await ask<logged_out>(*f->front.system, f->front.sign_in(), answer_timeout, question);
  if (!done)
    co_return error_response(done.error());
  response out;
  out.status = 204;
  remove_cookie(*f, out);
  co_return out;
}

} // namespace

void add_sign_in_routes(router& r, sign_in_front front) {
  front_state state;
  state.own_origin = origin_of(front.base_url);
  state.cookie_attributes = attributes_of_cookie(front.base_url);
  state.front = std::move(front);
  auto f = std::make_shared<const front_state>(std::move(state));
  auto bound = [&f](route_function route) -> handler {
    return [f, route](request req) {
      auto chosen = comes_from_own_origin(*f, req) ? route : refuse_origin;
      return chosen(f, std::move(req));
    };
  };
  if (f->front.registration)
    r.add("POST", "/api/v1/auth/register", bound(sign_up));
  r.add("POST", "/api/v1/auth/login", bound(login));
  r.add("POST", "/api/v1/auth/refresh", bound(refresh));
  r.add("POST", "/api/v1/auth/logout", bound(logout));
}

} // namespace mana::http
