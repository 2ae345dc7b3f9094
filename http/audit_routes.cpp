#include "http/audit_routes.hpp"

#include "actors/audit_chain/audit_chain.hpp"
#include "http/server/error_response.hpp"
#include "http/server/key_check.hpp"
#include "infra/crypto/base64.hpp"
#include "infra/io/ask.hpp"
#include "infra/json/value.hpp"

#include <algorithm>
#include <charconv>

// g++ 12 inlines only the allocating half of Boost's coroutine frames and then sees a mismatch.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

namespace mana::http {

using boost::asio::awaitable;

// -- pure -----------------------------------------------------------------------------------------------

namespace {

constexpr std::int64_t default_rows = 200;
constexpr std::int64_t max_rows = 1000;
constexpr std::size_t max_mission_length = 512; // as the table
constexpr std::size_t max_cursor_length = 64;
constexpr std::string_view cursor_label = "after:";

// Beyond the range of integers: the nearest one, which is then clamped like any other.
std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t n = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (end != text.data() + text.size() || error == std::errc::invalid_argument)
    return std::nullopt;
  if (error == std::errc::result_out_of_range)
    return text.starts_with('-') ? 0 : max_rows;
  return n;
}

// An empty parameter counts as absent.
std::string_view parameter(const std::map<std::string, std::string>& query, const char* name) {
  auto i = query.find(name);
  return i == query.end() ? std::string_view{} : std::string_view{i->second};
}

json::value text_or_null(const std::optional<std::string>& text) { return text ? json::value{*text} : json::value{}; }

json::value row_json(const audit_row& row) {
  return json::object{{"id", std::to_string(row.id)},
                      {"missionId", row.mission.value},
                      {"iterationId", text_or_null(row.iteration_id)},
                      {"tableName", row.table},
                      {"recordId", row.record},
                      {"status", row.status},
                      {"reason", text_or_null(row.reason)},
                      {"ts", audit_time_text(row)},
                      {"runId", row.run_id},
                      {"position", row.position},
                      {"previousHash", row.previous_hash},
                      {"hash", row.hash}};
}

} // namespace

std::string audit_cursor(std::int64_t position) {
  auto text = std::string{cursor_label} + std::to_string(position);
  return crypto::to_base64url(crypto::as_bytes(text));
}

std::optional<std::int64_t> position_of_cursor(std::string_view cursor) {
  if (cursor.size() > max_cursor_length)
    return std::nullopt;
  auto bytes = crypto::from_base64url(cursor);
  if (!bytes)
    return std::nullopt;
  std::string_view text{reinterpret_cast<const char*>(bytes->data()), bytes->size()};
  if (!text.starts_with(cursor_label))
    return std::nullopt;
  text.remove_prefix(cursor_label.size());
  std::int64_t position = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), position);
  // Only the one spelling that audit_cursor() gives.
  if (error != std::errc{} || position < 1 || audit_cursor(position) != cursor)
    return std::nullopt;
  return position;
}

result<list_audit> read_audit_query(const std::map<std::string, std::string>& query, user_id user) {
  list_audit out;
  out.user = std::move(user);
  auto mission = parameter(query, "missionId");
  if (mission.size() > max_mission_length)
    return failure{errc::bad_request, "missionId: too long"};
  if (!mission.empty())
    out.mission = mission_id{std::string{mission}};
  std::int64_t limit = default_rows;
  if (auto text = parameter(query, "limit"); !text.empty()) {
    auto n = whole_number(text);
    if (!n)
      return failure{errc::bad_request, "limit: must be a whole number"};
    limit = *n;
  }
  out.limit = static_cast<std::size_t>(std::clamp<std::int64_t>(limit, 1, max_rows));
  if (auto text = parameter(query, "cursor"); !text.empty()) {
    out.before = position_of_cursor(text);
    if (!out.before)
      return failure{errc::bad_request, "cursor: not one that this service gave"};
  }
  return out;
}

std::string audit_page_json(const audit_page& page) {
  json::array rows;
  for (auto& row : page.rows)
    rows.push_back(row_json(row));
  auto next = page.next_before ? json::value{audit_cursor(*page.next_before)} : json::value{};
  return json::to_text(json::object{{"rows", std::move(rows)}, {"nextCursor", std::move(next)}});
}

std::string audit_verdict_json(const audit_verdict& v) {
  json::value bad;
  if (v.first_bad)
    bad = json::object{{"position", v.first_bad->position},
                       {"id", std::to_string(v.first_bad->id)},
                       {"problem", v.first_bad->problem}};
  json::value anchor;
  if (v.anchor)
    anchor = json::object{{"position", v.anchor->position}, {"hash", v.anchor->hash}};
  return json::to_text(json::object{{"ok", !v.first_bad},
                                    {"from", v.anchor ? v.anchor->position + 1 : 1},
                                    {"anchor", std::move(anchor)},
                                    {"rows", v.rows},
                                    {"head", json::object{{"position", v.head_position}, {"hash", v.head_hash}}},
                                    {"firstBad", std::move(bad)}});
}

result<std::string> audit_head_json(const user_id& user, const audit_head& head, const crypto::signing_key& signer) {
  auto canonical = canonical_audit_head(user, head);
  auto signature = signer.sign(canonical);
  if (!signature)
    return failure{errc::internal, "the audit key does not sign"};
  json::object statement{
      {"userId", user.value}, {"position", head.position}, {"hash", head.hash}, {"at", to_iso(head.at)}};
  return json::to_text(json::object{{"statement", std::move(statement)},
                                    {"canonical", crypto::to_base64(crypto::byte_view{canonical})},
                                    {"signature", crypto::to_base64(crypto::byte_view{*signature})},
                                    {"keyId", signer.key_id()},
                                    {"publicKey", crypto::to_base64(crypto::byte_view{signer.public_key()})}});
}

// -- routes ---------------------------------------------------------------------------------------------

namespace {

constexpr std::chrono::seconds read_timeout{10};

using front_ptr = std::shared_ptr<const audit_front>;
using user_route = awaitable<response> (*)(front_ptr, user_id, request);

// What it says of a user must not stay in a cache.
response json_response(std::string body) {
  response out;
  out.body = std::move(body);
  out.headers.emplace_back("Cache-Control", "no-store");
  return out;
}

awaitable<response> list_rows(front_ptr f, user_id user, request req) {
  auto question = read_audit_query(req.query, std::move(user));
  if (!question)
    co_return error_response(question.error());
  auto handles = f->handles();
  auto page = co_await ask<audit_page>(*f->system, handles.audit_reader, read_timeout, *question);
  co_return page ? json_response(audit_page_json(*page)) : error_response(page.error());
}

awaitable<response> verify_chain(front_ptr f, user_id user, request) {
  verify_audit question;
  question.user = std::move(user);
  auto handles = f->handles();
  // It takes as long as the chain is long; each of its database jobs has a limit.
  auto verdict = co_await ask<audit_verdict>(*f->system, handles.audit_reader, caf::infinite, question);
  co_return verdict ? json_response(audit_verdict_json(*verdict)) : error_response(verdict.error());
}

awaitable<response> signed_head(front_ptr f, user_id user, request) {
  if (!f->signer)
    co_return error_response(503, "SIGNING_NOT_CONFIGURED", "no key to sign the heads of audit chains is configured");
  get_audit_head question;
  question.user = user;
  auto handles = f->handles();
  auto head = co_await ask<audit_head>(*f->system, handles.audit_reader, read_timeout, question);
  if (!head)
    co_return error_response(head.error());
  auto body = audit_head_json(user, *head, *f->signer);
  co_return body ? json_response(std::move(*body)) : error_response(body.error());
}

awaitable<response> as_user(front_ptr f, user_route route, request req) {
  if (!f->identify)
    co_return error_response(401, "UNAUTHORIZED", "no tokens are accepted here");
  auto user = co_await f->identify(req);
  if (!user)
    co_return error_response(user.error());
  co_return co_await route(f, std::move(*user), std::move(req));
}

handler for_users(front_ptr f, user_route route) {
  return [f, route](request req) { return as_user(f, route, std::move(req)); };
}

awaitable<response> erase(front_ptr f, request req) {
  if (!has_service_key(req, f->service_key.reveal()))
    co_return service_key_refused();
  erase_user question;
  question.user.value = req.path_params["id"];
  auto handles = f->handles();
  // As long as the database allows: a long history takes a while to remove.
  auto erased = co_await ask<user_erased>(*f->system, handles.eraser, caf::infinite, question);
  if (!erased)
    co_return error_response(erased.error());
  json::object body{
      {"missions", erased->missions}, {"queuedChanges", erased->queued_changes}, {"auditRows", erased->audit_rows}};
  co_return json_response(json::to_text(std::move(body)));
}

} // namespace

void add_audit_routes(router& r, audit_front front) {
  auto f = std::make_shared<const audit_front>(std::move(front));
  r.add("GET", "/api/v1/me/ai-audit", for_users(f, list_rows));
  r.add("GET", "/api/v1/me/ai-audit/verify", for_users(f, verify_chain));
  r.add("GET", "/api/v1/me/ai-audit/head", for_users(f, signed_head));
  r.add("DELETE", "/internal/users/{id}", [f](request req) { return erase(f, std::move(req)); });
}

} // namespace mana::http
