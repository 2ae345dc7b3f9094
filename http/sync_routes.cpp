#include "http/sync_routes.hpp"

#include "actors/change_puller/pull_queries.hpp"
#include "actors/change_pusher/push_request.hpp"
#include "http/probed_database.hpp"
#include "http/server/error_response.hpp"
#include "http/server/origin.hpp"
#include "http/sync_socket.hpp"
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

namespace {

// The actors end at the database, which answers earlier: statements have 20 s, see the login's role.
constexpr std::chrono::seconds answer_timeout{60};

constexpr const char* name_form = ": must be a name of letters, digits, _, - and ., at most 64 bytes";

failure bad(std::string_view field, std::string_view what) {
  return {errc::bad_request, std::string{field}.append(what)};
}

response page_response(const sync_front& f, const change_page& page) {
  if (f.observer.rows_sent)
    f.observer.rows_sent(page.count);
  response out;
  out.body.reserve(page.rows.size() + 400);
  out.body = "{\"serverChanges\":";
  out.body.append(page.rows).append(",\"conflicts\":[],\"syncedUntil\":");
  out.body.append(json::to_text(page.synced_until)).append(",\"hasMore\":");
  out.body.append(page.has_more ? "true}" : "false}");
  return out;
}

awaitable<response> push(sync_front_ptr f, request req) {
  auto who = co_await f->identify(req);
  if (!who)
    co_return error_response(who.error());
  push_changes question{std::move(*who), req.path_params["appId"],
                        std::make_shared<const std::string>(std::move(req.body))};
  if (!is_log_name(question.app))
    co_return error_response(bad("appId", name_form));
  auto handles = f->handles();
  auto done = co_await ask<changes_pushed>(*f->system, handles.pusher, answer_timeout, question);
  co_return done ? page_response(*f, done->page) : error_response(done.error());
}

// Absent: the default; beyond the bounds: the bound.
result<std::size_t> limit_in(const request& req) {
  auto given = req.query.find("limit");
  if (given == req.query.end() || given->second.empty())
    return default_page_rows;
  std::int64_t n = 0;
  auto& text = given->second;
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (ec != std::errc{} || end != text.data() + text.size())
    return bad("limit", ": must be a whole number");
  return static_cast<std::size_t>(std::clamp<std::int64_t>(n, 1, max_page_rows));
}

result<pull_changes> pull_in(request& req) {
  pull_changes out;
  out.app = req.path_params["appId"];
  if (!is_log_name(out.app))
    return bad("appId", name_form);
  out.since = req.query["since"];
  out.collection = req.query["collection"];
  if (!out.collection.empty() && !is_log_name(out.collection))
    return bad("collection", name_form);
  auto limit = limit_in(req);
  if (!limit)
    return std::move(limit).error();
  out.limit = *limit;
  return out;
}

awaitable<response> pull(sync_front_ptr f, request req) {
  auto who = co_await f->identify(req);
  if (!who)
    co_return error_response(who.error());
  auto question = pull_in(req);
  if (!question)
    co_return error_response(question.error());
  question->user = std::move(*who);
  auto handles = f->handles();
  auto page = co_await ask<change_page>(*f->system, handles.puller, answer_timeout, *question);
  co_return page ? page_response(*f, *page) : error_response(page.error());
}

bool names(const request& req, const std::string& header, std::string_view value) {
  auto i = req.headers.find(header);
  if (i == req.headers.end())
    return false;
  auto text = i->second;
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text.find(value) != text.npos;
}

awaitable<response> socket(sync_front_ptr f, request req) {
  if (!names(req, "upgrade", "websocket") || !names(req, "connection", "upgrade")) {
    auto out = error_response(426, "UPGRADE_REQUIRED", "this route speaks WebSocket only");
    out.headers.emplace_back("Upgrade", "websocket");
    co_return out;
  }
  if (!may_open_socket(req, f->base_url, f->cors_origins))
    co_return error_response(403, "FORBIDDEN", "the request comes from another origin");
  response out;
  out.status = 101;
  out.websocket = sync_socket(f);
  co_return out;
}

awaitable<std::optional<response>> admit(awaitable<result<user_id>> identity) {
  auto who = co_await std::move(identity);
  if (!who)
    co_return error_response(who.error());
  co_return std::nullopt;
}

} // namespace

void add_sync_routes(router& r, sync_front_ptr front) {
  body_rule large;
  large.max_bytes = max_push_bytes;
  large.admit = [front](const request& head) { return admit(front->identify(head)); };
  r.add(
      "POST", "/sync/{appId}", [front](request req) { return push(front, std::move(req)); }, std::move(large));
  r.add("GET", "/sync/{appId}/pull", [front](request req) { return pull(front, std::move(req)); });
  r.add("GET", "/ws", [front](request req) { return socket(front, std::move(req)); });
}

probed_target probed_sync(sync_front_ptr front) {
  database_probe probe;
  probe.target = "sync";
  probe.system = front->system;
  probe.database = [front] { return front->handles().database; };
  probe.schema = front->schema;
  return probed_database(std::move(probe));
}

} // namespace mana::http
