#include "http/runner_routes.hpp"

#include "http/server/error_response.hpp"
#include "http/server/key_check.hpp"
#include "infra/io/ask.hpp"
#include "infra/json/value.hpp"

namespace mana::http {

using boost::asio::awaitable;
using clock = std::chrono::steady_clock;

// -- pure -----------------------------------------------------------------------------------------------

std::vector<failing_part> failing_parts(const readiness_facts& facts, std::chrono::seconds max_tick_age) {
  std::vector<failing_part> out;
  auto fail = [&](const char* part, const char* reason) { out.push_back({part, reason}); };
  if (!facts.database_connected)
    fail("database", "does not answer");
  else if (!*facts.database_connected)
    fail("database", "not connected");
  if (!facts.migrated)
    fail("migrations", "not applied");
  if (!facts.scheduler)
    fail("tick", "the scheduler does not answer");
  else if (facts.scheduler->tick_enabled && facts.scheduler->last_tick_age.value_or(facts.uptime) > max_tick_age)
    fail("tick", facts.scheduler->last_tick_age ? "the last good tick is too long ago" : "no tick has ended well yet");
  if (!facts.llm_circuit_open)
    fail("llm_circuit", "the LLM client does not answer");
  else if (*facts.llm_circuit_open)
    fail("llm_circuit", "open");
  if (facts.scheduler && facts.scheduler->draining)
    fail("draining", "the service stops");
  return out;
}

namespace {

json::value count(std::size_t n) { return static_cast<std::int64_t>(n); }

json::value count_or_null(std::size_t n) { return n > 0 ? count(n) : json::value{}; }

json::value iso_or_null(const std::optional<timestamp>& t) { return t ? json::value{to_iso(*t)} : json::value{}; }

json::value text_or_null(const std::string& s) { return s.empty() ? json::value{} : json::value{s}; }

} // namespace

std::string tick_json(const tick_report& report) {
  json::array errors;
  for (auto& e : report.errors)
    errors.emplace_back(e);
  return json::to_text(json::object{{"scannedAt", to_iso(report.scanned_at)},
                                    {"dueMissionCount", count(report.due)},
                                    {"plansProduced", count(report.plans_produced)},
                                    {"plansWrittenBack", count(report.plans_written)},
                                    {"parseFailures", count(report.parse_failures)},
                                    {"errors", std::move(errors)}});
}

std::string missions_json(const mission_list& list) {
  json::array missions;
  for (auto& m : list.missions)
    missions.emplace_back(json::object{{"id", m.id.value},
                                       {"title", m.title},
                                       {"state", m.state},
                                       {"nextRunAt", iso_or_null(m.next_run_at)},
                                       {"retryAt", iso_or_null(m.retry_at)},
                                       {"leaseUntil", iso_or_null(m.lease_until)},
                                       {"leaseOwner", text_or_null(m.lease_owner)},
                                       {"attempts", static_cast<std::int64_t>(m.attempts)},
                                       {"lastError", text_or_null(m.last_error)},
                                       {"notRunningBecause", m.not_running_because}});
  return json::to_text(
      json::object{{"now", to_iso(list.now)}, {"missions", std::move(missions)}, {"budget", budget_json(list.budget)}});
}

json::object budget_json(const user_budget& b) {
  return {{"runsThisHour", count(b.runs_this_hour)},
          {"runsPerHour", count_or_null(b.runs_per_hour)},
          {"tokensToday", b.tokens_today},
          {"tokensPerDay", b.tokens_per_day > 0 ? json::value{b.tokens_per_day} : json::value{}},
          {"waitsUntil", iso_or_null(b.waits_until)}};
}

// -- routes ---------------------------------------------------------------------------------------------

namespace {

constexpr std::chrono::seconds directory_timeout{10};

struct front_state {
  runner_front front;
  clock::time_point started = clock::now();
};
using front_ptr = std::shared_ptr<const front_state>;

response json_response(unsigned status, std::string body) {
  response out;
  out.status = status;
  out.body = std::move(body);
  return out;
}

awaitable<json::object> health(front_ptr f) {
  get_scheduler_status question;
  auto handles = f->front.handles();
  auto status = co_await ask<scheduler_status>(*f->front.system, handles.scheduler, probe_timeout, question);
  json::object tick{{"enabled", status ? status->tick_enabled : f->front.tick_enabled},
                    {"running", status ? status->tick_running : false}};
  json::object out{{"tick", std::move(tick)}};
  co_return out;
}

awaitable<readiness_facts> gather_facts(front_ptr f) {
  auto handles = f->front.handles();
  auto& system = *f->front.system;
  readiness_facts facts;
  get_database_status ask_database;
  if (auto r = co_await ask<database_status>(system, handles.database, probe_timeout, ask_database))
    facts.database_connected = r->connected;
  get_scheduler_status ask_scheduler;
  if (auto r = co_await ask<scheduler_status>(system, handles.scheduler, probe_timeout, ask_scheduler))
    facts.scheduler = *r;
  get_llm_status ask_llm;
  if (auto r = co_await ask<llm_status>(system, handles.llm, probe_timeout, ask_llm))
    facts.llm_circuit_open = r->circuit_open;
  facts.uptime = std::chrono::duration_cast<std::chrono::seconds>(clock::now() - f->started);
  co_return facts;
}

awaitable<readiness> ready(front_ptr f) {
  auto schema = f->front.schema();
  auto facts = co_await gather_facts(f);
  facts.migrated = schema.migrated;
  readiness out;
  out.failing = failing_parts(facts, f->front.max_tick_age);
  out.warnings = std::move(schema.warnings);
  co_return out;
}

awaitable<response> tick(front_ptr f, request) {
  run_tick question;
  auto handles = f->front.handles();
  // A tick takes as long as its missions, which have deadlines of their own.
  auto report = co_await ask<tick_report>(*f->front.system, handles.scheduler, caf::infinite, question);
  co_return report ? json_response(200, tick_json(*report)) : error_response(report.error());
}

awaitable<response> missions(front_ptr f, request req) {
  list_missions question;
  question.user.value = req.path_params["userId"];
  auto handles = f->front.handles();
  auto list = co_await ask<mission_list>(*f->front.system, handles.missions, directory_timeout, question);
  co_return list ? json_response(200, missions_json(*list)) : error_response(list.error());
}

using route_function = awaitable<response> (*)(front_ptr, request);

awaitable<response> refuse_key(front_ptr, request) { co_return service_key_refused(); }

handler with_service_key(front_ptr f, route_function route) {
  return [f, route](request req) {
    auto fits = has_service_key(req, f->front.service_key.reveal());
    return (fits ? route : refuse_key)(f, std::move(req));
  };
}

} // namespace

void add_runner_routes(router& r, runner_front front) {
  auto f = std::make_shared<const front_state>(front_state{std::move(front)});
  r.add("POST", "/internal/tick", with_service_key(f, tick));
  r.add("GET", "/internal/missions/{userId}", with_service_key(f, missions));
}

probed_target probed_runner(runner_front front) {
  auto f = std::make_shared<const front_state>(front_state{std::move(front)});
  probed_target out;
  out.health = [f] { return health(f); };
  out.ready = [f] { return ready(f); };
  return out;
}

} // namespace mana::http
