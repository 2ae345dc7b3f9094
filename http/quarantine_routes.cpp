#include "http/quarantine_routes.hpp"

#include "http/server/error_response.hpp"
#include "http/server/key_check.hpp"
#include "infra/io/ask.hpp"
#include "infra/json/value.hpp"

namespace mana::http {

using boost::asio::awaitable;

// -- pure -----------------------------------------------------------------------------------------------

namespace {

constexpr std::size_t max_body_bytes = 4 * 1024;
constexpr std::size_t max_id_bytes = 512;

failure bad_request(std::string what) { return {errc::bad_request, std::move(what)}; }

// A text that can be an id; PostgreSQL takes no NUL.
result<std::string> read_id(const json::value& document, const char* name) {
  auto wrong = [name](const char* what) { return bad_request(std::string{name} + ": " + what); };
  auto* member = document.find(name);
  if (member == nullptr)
    return wrong("is missing");
  auto* text = member->as_string();
  if (text == nullptr)
    return wrong("must be a text");
  if (text->empty())
    return wrong("must not be empty");
  if (text->size() > max_id_bytes || text->find('\0') != text->npos)
    return wrong("is no id");
  return *text;
}

} // namespace

result<mission_key> read_release(std::string_view body) {
  if (body.size() > max_body_bytes)
    return failure{errc::limit_exceeded, "the body is larger than 4 KiB"};
  auto document = json::parse(body);
  if (!document || document->as_object() == nullptr)
    return bad_request("the body is not a JSON object");
  for (auto& [name, value] : *document->as_object())
    if (name != "userId" && name != "missionId")
      return bad_request("the body has members besides userId and missionId");
  auto user = read_id(*document, "userId");
  if (!user)
    return std::move(user).error();
  auto mission = read_id(*document, "missionId");
  if (!mission)
    return std::move(mission).error();
  return mission_key{{std::move(*user)}, {std::move(*mission)}};
}

std::string quarantined_json(const quarantined_missions& list) {
  json::array missions;
  for (auto& m : list.missions)
    missions.emplace_back(json::object{{"userId", m.key.user.value},
                                       {"missionId", m.key.mission.value},
                                       {"since", to_iso(m.since)},
                                       {"lastError", m.last_error}});
  return json::to_text(json::object{{"missions", std::move(missions)}});
}

// -- routes ---------------------------------------------------------------------------------------------

namespace {

constexpr std::chrono::seconds answer_timeout{10};

using front_ptr = std::shared_ptr<const runner_front>;

response json_response(std::string body) {
  response out;
  out.body = std::move(body);
  return out;
}

awaitable<response> list(front_ptr f, request req) {
  if (!has_service_key(req, f->service_key.reveal()))
    co_return service_key_refused();
  list_quarantined question;
  auto handles = f->handles();
  auto missions = co_await ask<quarantined_missions>(*f->system, handles.quarantine, answer_timeout, question);
  co_return missions ? json_response(quarantined_json(*missions)) : error_response(missions.error());
}

awaitable<response> release(front_ptr f, request req) {
  if (!has_service_key(req, f->service_key.reveal()))
    co_return service_key_refused();
  auto key = read_release(req.body);
  if (!key)
    co_return error_response(key.error());
  release_mission order;
  order.key = std::move(*key);
  auto handles = f->handles();
  auto released = co_await ask<mission_released>(*f->system, handles.quarantine, answer_timeout, order);
  if (!released)
    co_return error_response(released.error());
  json::object body{{"wasQuarantined", released->was_quarantined}};
  co_return json_response(json::to_text(std::move(body)));
}

} // namespace

void add_quarantine_routes(router& r, runner_front front) {
  auto f = std::make_shared<const runner_front>(std::move(front));
  r.add("GET", "/internal/quarantine", [f](request req) { return list(f, std::move(req)); });
  r.add("POST", "/internal/quarantine/release", [f](request req) { return release(f, std::move(req)); });
}

} // namespace mana::http
