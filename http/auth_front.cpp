#include "http/auth_front.hpp"

#include "http/server/error_response.hpp"
#include "infra/io/ask.hpp"
#include "infra/postgres/connection.hpp"

namespace mana::http {

using boost::asio::awaitable;

namespace {

// Nothing but requests uses this database: before the first one, and after the database was away,
// the pool only knows once it has been asked to try.
awaitable<bool> connects(auth_front_ptr f, database_actor database) {
  database_job probe{"ready", [](pg::connection& db) -> std::any { return db.exec("SELECT 1").size(); }};
  auto answer = co_await ask<database_answer>(*f->system, database, probe_timeout, probe);
  co_return static_cast<bool>(answer);
}

awaitable<readiness> ready(auth_front_ptr f) {
  auto schema = f->schema();
  auto handles = f->handles();
  get_database_status question;
  auto database = co_await ask<database_status>(*f->system, handles.database, probe_timeout, question);
  bool connected = database && database->connected;
  if (database && !connected)
    connected = co_await connects(f, handles.database);
  readiness out;
  if (!database)
    out.failing.push_back({"auth_database", "does not answer"});
  else if (!connected)
    out.failing.push_back({"auth_database", "not connected"});
  if (!schema.migrated)
    out.failing.push_back({"auth_migrations", "not applied"});
  out.warnings = std::move(schema.warnings);
  co_return out;
}

awaitable<response> identified(auth_front_ptr f, user_route route, request req) {
  auto who = co_await f->identify(req);
  if (!who)
    co_return error_response(who.error());
  co_return co_await route(f, std::move(*who), std::move(req));
}

} // namespace

probed_target probed_auth(auth_front_ptr front) {
  probed_target out;
  out.ready = [front] { return ready(front); };
  return out;
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
