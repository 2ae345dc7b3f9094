#include "http/auth_front.hpp"

#include "http/probed_database.hpp"
#include "http/server/error_response.hpp"

namespace mana::http {

using boost::asio::awaitable;

namespace {

awaitable<response> identified(auth_front_ptr f, user_route route, request req) {
  auto who = co_await f->identify(req);
  if (!who)
    co_return error_response(who.error());
  co_return co_await route(f, std::move(*who), std::move(req));
}

} // namespace

probed_target probed_auth(auth_front_ptr front) {
  database_probe probe;
  probe.target = "auth";
  probe.system = front->system;
  probe.database = [front] { return front->handles().database; };
  probe.schema = front->schema;
  return probed_database(std::move(probe));
}

handler for_user(auth_front_ptr front, user_route route) {
  return [front, route](request req) { return identified(front, route, std::move(req)); };
}

result<json::value> object_body(const request& req) {
  auto body = json::parse(req.body);
  if (!body)
    return failure{errc::bad_request, "the body is not valid JSON"};
  if (body->as_object() == nullptr)
    return failure{errc::bad_request, "the body must be a JSON object"};
  return body;
}

response json_response(unsigned status, std::string body) {
  response out;
  out.status = status;
  out.body = std::move(body);
  return out;
}

response no_content() {
  response out;
  out.status = 204;
  return out;
}

} // namespace mana::http
