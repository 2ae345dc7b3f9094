#include "http/user_routes.hpp"

#include "http/runner_routes.hpp"
#include "http/server/error_response.hpp"
#include "infra/io/ask.hpp"
#include "infra/json/value.hpp"
#include "infra/tracing/trace_context.hpp"

#include <algorithm>

// g++ 12 inlines only the allocating half of Boost's coroutine frames and then sees a mismatch.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

namespace mana::http {

using boost::asio::awaitable;

// -- pure -----------------------------------------------------------------------------------------------

namespace {

constexpr std::size_t max_renewal_bytes = 4 * 1024;
constexpr std::size_t max_mission_length = 512; // as the table
constexpr std::size_t max_shown_name = 40;

failure bad_request(std::string what) { return {errc::bad_request, std::move(what)}; }

json::value iso_or_null(const std::optional<timestamp>& t) { return t ? json::value{to_iso(*t)} : json::value{}; }

json::value leased_by(const mission_status& m) {
  if (!m.lease_until)
    return {};
  return m.foreground ? "browser" : "server";
}

bool is_uuid(std::string_view s) {
  if (s.size() != 36)
    return false;
  for (std::size_t i = 0; i < s.size(); ++i) {
    bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    bool hex = (s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'f') || (s[i] >= 'A' && s[i] <= 'F');
    if (dash ? s[i] != '-' : !hex)
      return false;
  }
  return true;
}

} // namespace

std::string my_missions_json(const mission_list& list) {
  json::array missions;
  for (auto& m : list.missions)
    missions.emplace_back(json::object{{"missionId", m.id.value},
                                       {"title", m.title},
                                       {"state", m.state},
                                       {"nextRunAt", iso_or_null(m.next_run_at)},
                                       {"retryAt", iso_or_null(m.retry_at)},
                                       {"leasedUntil", iso_or_null(m.lease_until)},
                                       {"leasedBy", leased_by(m)},
                                       {"attempts", static_cast<std::int64_t>(m.attempts)},
                                       {"lastError", m.last_error.empty() ? json::value{} : json::value{m.last_error}},
                                       {"notRunningBecause", m.not_running_because}});
  return json::to_text(
      json::object{{"now", to_iso(list.now)}, {"missions", std::move(missions)}, {"budget", budget_json(list.budget)}});
}

std::string foreground_run_json(const foreground_run& run) {
  return json::to_text(json::object{{"leaseToken", run.token.value},
                                    {"slot", to_iso(run.slot)},
                                    {"iterationId", run.iteration_id},
                                    {"leasedUntil", to_iso(run.lease_until)}});
}

std::string llm_place_json(const llm_place& place) {
  json::array others;
  for (auto& host : place.fallback_hosts)
    others.emplace_back(host);
  return json::to_text(json::object{{"host", place.host},
                                    {"fallbackHosts", std::move(others)},
                                    {"model", place.model},
                                    {"standIn", place.stand_in},
                                    {"maxTokens", place.max_tokens}});
}

result<lease_token> read_lease_token(std::string_view text) {
  if (text.empty())
    return bad_request("leaseToken: is missing");
  if (!is_uuid(text))
    return bad_request("leaseToken: is no token of a run");
  return lease_token{std::string{text}};
}

result<lease_token> read_renewal(std::string_view body) {
  if (body.size() > max_renewal_bytes)
    return failure{errc::limit_exceeded, "the body is larger than 4 KiB"};
  auto document = json::parse(body);
  if (!document || document->as_object() == nullptr)
    return bad_request("the body is not a JSON object");
  for (auto& [name, value] : *document->as_object()) {
    if (name != "leaseToken")
      return bad_request(name.substr(0, max_shown_name) + ": is not known here");
    if (value.as_string() == nullptr)
      return bad_request("leaseToken: must be a text");
  }
  return read_lease_token(document->text("leaseToken"));
}

// -- routes ---------------------------------------------------------------------------------------------

namespace {

constexpr std::chrono::seconds answer_timeout{10};
// Above what three refreshes take.
constexpr std::chrono::seconds foreground_timeout{30};

using front_ptr = std::shared_ptr<const user_front>;
using user_route = awaitable<response> (*)(front_ptr, user_id, request);

response json_response(std::string body) {
  response out;
  out.body = std::move(body);
  return out;
}

result<mission_key> key_of(user_id user, const request& req) {
  auto& id = req.path_params.at("missionId");
  if (id.size() > max_mission_length) // no mission has such an id
    return failure{errc::mission_unknown, "you have no such mission"};
  return mission_key{std::move(user), {id}};
}

awaitable<response> my_missions(front_ptr f, user_id user, request) {
  list_missions question;
  question.user = std::move(user);
  auto handles = f->handles();
  auto list = co_await ask<mission_list>(*f->system, handles.missions, answer_timeout, question);
  co_return list ? json_response(my_missions_json(*list)) : error_response(list.error());
}

awaitable<response> begin_run(front_ptr f, user_id user, request req) {
  auto key = key_of(std::move(user), req);
  if (!key)
    co_return error_response(key.error());
  claim_foreground_run question;
  question.key = std::move(*key);
  auto handles = f->handles();
  auto run = co_await ask<foreground_run>(*f->system, handles.foreground, foreground_timeout, question);
  co_return run ? json_response(foreground_run_json(*run)) : error_response(run.error());
}

awaitable<response> renew_run(front_ptr f, user_id user, request req) {
  auto key = key_of(std::move(user), req);
  if (!key)
    co_return error_response(key.error());
  auto token = read_renewal(req.body);
  if (!token)
    co_return error_response(token.error());
  renew_foreground_run question;
  question.held = {std::move(*key), std::move(*token)};
  auto handles = f->handles();
  auto renewed = co_await ask<foreground_run_renewed>(*f->system, handles.foreground, answer_timeout, question);
  if (!renewed)
    co_return error_response(renewed.error());
  json::object body{{"leasedUntil", to_iso(renewed->lease_until)}};
  co_return json_response(json::to_text(std::move(body)));
}

awaitable<response> end_run(front_ptr f, user_id user, request req) {
  auto key = key_of(std::move(user), req);
  if (!key)
    co_return error_response(key.error());
  auto token = read_lease_token(req.query["leaseToken"]);
  if (!token)
    co_return error_response(token.error());
  end_foreground_run question;
  question.held = {std::move(*key), std::move(*token)};
  auto handles = f->handles();
  auto ended = co_await ask<foreground_run_ended>(*f->system, handles.foreground, foreground_timeout, question);
  if (!ended)
    co_return error_response(ended.error());
  response out;
  out.status = 204;
  co_return out;
}

awaitable<response> where_text_goes(front_ptr f, user_id, request) { co_return json_response(llm_place_json(f->llm)); }

// For whom the call goes to. It is worth nothing without the traceparent that it came with.
std::string trace_state_of(const request& req) {
  auto state = req.headers.find(std::string{tracing::tracestate_name});
  auto parent = req.headers.find(std::string{tracing::traceparent_name});
  bool has_parent = parent != req.headers.end() && tracing::parse_traceparent(parent->second);
  if (!has_parent || state == req.headers.end())
    return {};
  return std::string{tracing::usable_tracestate(state->second)};
}

// A client that goes away before the answer takes its call with it.
awaitable<response> complete(front_ptr f, user_id user, request req) {
  chat_rules rules;
  rules.max_tokens = f->llm.max_tokens;
  auto prompt = take_chat_request(req.body, rules);
  if (!prompt)
    co_return error_response(prompt.error());
  user_chat question;
  question.user = std::move(user);
  question.prompt = std::move(*prompt);
  question.trace = req.trace;
  question.trace_state = trace_state_of(req);
  auto control = std::make_shared<question_control>();
  if (req.when_client_is_gone)
    req.when_client_is_gone([control] { control->give_up(); });
  auto handles = f->handles();
  auto answer = co_await ask<chat_answer>(*f->system, handles.llm_proxy, caf::infinite, question, control);
  if (!answer)
    co_return error_response(answer.error());
  response out;
  out.secret_body = take_chat_answer(*answer);
  co_return out;
}

awaitable<response> as_user(front_ptr f, user_route route, request req) {
  if (!f->identify)
    co_return error_response(401, "UNAUTHORIZED", "no tokens are accepted here");
  auto user = co_await f->identify(req);
  if (!user)
    co_return error_response(user.error());
  co_return co_await route(f, std::move(*user), std::move(req));
}

} // namespace

void add_user_routes(router& r, user_front front) {
  auto f = std::make_shared<const user_front>(std::move(front));
  auto add = [&](const char* method, const char* pattern, user_route route) {
    r.add(method, pattern, [f, route](request req) { return as_user(f, route, std::move(req)); });
  };
  constexpr const char* run_of_mission = "/api/v1/me/missions/{missionId}/foreground-run";
  add("GET", "/api/v1/me/missions", my_missions);
  add("POST", run_of_mission, begin_run);
  add("PUT", run_of_mission, renew_run);
  add("DELETE", run_of_mission, end_run);
  add("GET", "/api/v1/me/llm", where_text_goes);
  add("POST", "/api/v1/me/llm/chat/completions", complete);
}

} // namespace mana::http
