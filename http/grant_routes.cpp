#include "http/grant_routes.hpp"

#include "actors/grant_issuer/grant_rules.hpp"
#include "http/server/error_response.hpp"
#include "infra/io/ask.hpp"

#include <algorithm>

namespace mana::http {

using boost::asio::awaitable;

namespace {

failure wrong_type(const std::string& field, const char* type) {
  return {errc::bad_request, field + ": must be " + type};
}

result<std::vector<std::string>> strings_of(const json::value& body, const std::string& field) {
  auto* member = body.find(field);
  auto* list = member == nullptr ? nullptr : member->as_array();
  if (list == nullptr)
    return wrong_type(field, "a list of strings");
  std::vector<std::string> out;
  out.reserve(list->size());
  for (auto& entry : *list) {
    if (entry.as_string() == nullptr)
      return wrong_type(field + '[' + std::to_string(out.size()) + ']', "a string");
    out.push_back(*entry.as_string());
  }
  return out;
}

result<std::chrono::milliseconds> ttl_of(const json::value& body) {
  auto* member = body.find("ttlMs");
  if (member == nullptr)
    return default_grant_ttl;
  auto* number = member->as_number();
  if (number == nullptr)
    return wrong_type("ttlMs", "a number");
  constexpr auto max = static_cast<double>(max_grant_ttl.count());
  // A number beyond a double is as far beyond the longest life, or as far below zero.
  auto ms = member->as_double().value_or(number->text.starts_with('-') ? 0 : max);
  return std::chrono::milliseconds{static_cast<std::int64_t>(std::clamp(ms, 0.0, max))};
}

awaitable<response> issue_grant(auth_front_ptr f, user_id user, request req) {
  auto body = object_body(req);
  if (!body)
    co_return error_response(body.error());
  auto question = grant_request_of(user, *body);
  if (!question)
    co_return error_response(question.error());
  auto handles = f->handles();
  auto grant = co_await ask<issued_mission_grant>(*f->system, handles.grants, auth_actor_timeout, *question);
  co_return grant ? json_response(200, std::move(grant->json)) : error_response(grant.error());
}

} // namespace

result<issue_mission_grant> grant_request_of(const user_id& user, const json::value& body) {
  issue_mission_grant out;
  out.user = user;
  auto* mission = body.find("missionId");
  if (mission == nullptr || mission->as_string() == nullptr)
    return wrong_type("missionId", "a string");
  out.mission.value = *mission->as_string();
  auto tables = strings_of(body, "tables");
  if (!tables)
    return std::move(tables).error();
  out.tables = std::move(*tables);
  auto ids = strings_of(body, "recordIds");
  if (!ids)
    return std::move(ids).error();
  out.record_ids = std::move(*ids);
  auto ttl = ttl_of(body);
  if (!ttl)
    return std::move(ttl).error();
  out.ttl = *ttl;
  return out;
}

void add_grant_routes(router& r, auth_front_ptr front) {
  r.add("POST", "/api/v1/me/ai-mission-grant", for_user(front, issue_grant));
}

} // namespace mana::http
