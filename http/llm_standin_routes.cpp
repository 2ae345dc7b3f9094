#include "http/llm_standin_routes.hpp"

#include "http/server/error_response.hpp"
#include "infra/json/value.hpp"

#include <algorithm>
#include <array>
#include <random>

namespace mana::http {

using boost::asio::awaitable;

standin_outcome choose_outcome(const llm_standin_options& options, double random) noexcept {
  const std::pair<double, standin_outcome> faults[] = {{options.error_rate, standin_outcome::error},
                                                       {options.malformed_rate, standin_outcome::malformed},
                                                       {options.hang_rate, standin_outcome::hang},
                                                       {options.cut_rate, standin_outcome::cut},
                                                       {options.rate_limit_rate, standin_outcome::rate_limited}};
  double reached = 0;
  for (auto& [rate, outcome] : faults)
    if (random < (reached += rate))
      return outcome;
  return standin_outcome::ok;
}

namespace {

constexpr const char* not_a_plan = "Here is what I would do: {\"summary\": \"unfinished";

class standin {
public:
  standin(const llm_standin_options& options, rule_planner planner)
    : options_(options), planner_(std::move(planner)), random_(options.seed) {}

  response complete(const request& req) {
    ++calls_;
    auto prompt = planner_.user_message_of(req.body);
    if (!prompt) {
      ++bad_requests_;
      return error_response(400, "BAD_REQUEST", prompt.error().detail);
    }
    auto outcome = choose_outcome(options_, static_cast<double>(random_() >> 11) * 0x1p-53);
    ++by_outcome_[static_cast<std::size_t>(outcome)];
    auto out = answer(outcome, req, *prompt);
    out.delay = options_.latency;
    return out;
  }

  // Counts as a call in flight while it lives.
  static std::shared_ptr<const void> in_flight(const std::shared_ptr<standin>& self) {
    self->max_in_flight_ = std::max(self->max_in_flight_, ++self->in_flight_);
    return {nullptr, [self](const void*) { --self->in_flight_; }};
  }

  std::string stats() const {
    auto of = [&](standin_outcome o) { return by_outcome_[static_cast<std::size_t>(o)]; };
    return json::to_text(json::object{{"standin", true},
                                      {"calls", calls_},
                                      {"ok", of(standin_outcome::ok)},
                                      {"error", of(standin_outcome::error)},
                                      {"malformed", of(standin_outcome::malformed)},
                                      {"hang", of(standin_outcome::hang)},
                                      {"cut", of(standin_outcome::cut)},
                                      {"rateLimited", of(standin_outcome::rate_limited)},
                                      {"badRequest", bad_requests_},
                                      {"inFlight", in_flight_},
                                      {"maxInFlight", max_in_flight_}});
  }

private:
  response completion(const request& req, std::string_view content) const {
    auto body = json::parse(req.body);
    auto model = body ? body->text("model") : std::string_view{};
    response out;
    out.body = planner_.completion_json(content, model.empty() ? "llm-standin" : model);
    return out;
  }

  response answer(standin_outcome outcome, const request& req, const std::string& prompt) const {
    switch (outcome) {
      case standin_outcome::error: return error_response(500, "INTERNAL", "the stand-in was told to fail");
      case standin_outcome::malformed: return completion(req, not_a_plan);
      case standin_outcome::rate_limited: {
        auto out = error_response(429, "RATE_LIMITED", "the stand-in was told to limit");
        out.headers.emplace_back("Retry-After", "1");
        return out;
      }
      case standin_outcome::hang: {
        response out;
        out.hang = true;
        return out;
      }
      case standin_outcome::cut: {
        auto out = completion(req, planner_.plan_for(prompt));
        out.cut_after = out.body.size() / 2;
        return out;
      }
      case standin_outcome::ok: break;
    }
    return completion(req, planner_.plan_for(prompt));
  }

  llm_standin_options options_;
  rule_planner planner_;
  std::mt19937_64 random_;
  std::array<std::int64_t, 6> by_outcome_{};
  std::int64_t calls_ = 0;
  std::int64_t bad_requests_ = 0;
  std::int64_t in_flight_ = 0;
  std::int64_t max_in_flight_ = 0;
};

using standin_ptr = std::shared_ptr<standin>;

response marked(response r) {
  r.headers.emplace_back("X-LLM-Standin", "true");
  return r;
}

awaitable<response> complete(standin_ptr s, request req) {
  auto token = standin::in_flight(s);
  auto out = marked(s->complete(req));
  out.until_sent = std::move(token);
  co_return out;
}

awaitable<response> stats(standin_ptr s, request) {
  response out;
  out.body = s->stats();
  co_return marked(std::move(out));
}

awaitable<response> health(standin_ptr, request) {
  response out;
  out.body = R"({"ok":true,"service":"llm-standin"})";
  co_return marked(std::move(out));
}

} // namespace

void add_llm_standin_routes(router& r, const llm_standin_options& options, rule_planner planner) {
  auto s = std::make_shared<standin>(options, std::move(planner));
  auto bound = [&s](auto route) -> handler { return [s, route](request req) { return route(s, std::move(req)); }; };
  r.add("POST", "/v1/chat/completions", bound(complete));
  r.add("GET", "/standin/stats", bound(stats));
  if (!r.contains("GET", "/health"))
    r.add("GET", "/health", bound(health));
}

} // namespace mana::http
