#include "actors/llm_proxy/llm_proxy_actor.hpp"

#include "actors/planner/token_estimate.hpp"
#include "infra/postgres/connection.hpp"

namespace mana {

namespace {

// The llm_client aborts the calls of a requester that ends, so a call that may have to be aborted alone needs one
// alone.
class llm_errand : public llm_client_actor::base {
public:
  llm_errand(caf::actor_config& cfg, llm_client_actor llm) : llm_client_actor::base(cfg), llm_(std::move(llm)) {}

  const char* name() const override { return "llm_errand"; }
  void on_exit() override {
    llm_ = nullptr;
    if (answer_.pending())
      answer_.deliver(to_caf({errc::cancelled, "the call was given up"}));
  }

protected:
  behavior_type make_behavior() override {
    return {[this](chat_call& call) -> caf::result<chat_answer> {
              answer_ = make_response_promise<chat_answer>();
              auto promised = answer_;
              request(llm_, caf::infinite, std::move(call))
                  .then([this](chat_answer& a) { answer_.deliver(std::move(a)); },
                        [this](caf::error& e) { answer_.deliver(std::move(e)); });
              return promised;
            },
            [](get_llm_status) { return llm_status{}; }};
  }

private:
  llm_client_actor llm_;
  caf::typed_response_promise<chat_answer> answer_;
};

} // namespace

llm_proxy::llm_proxy(caf::actor_config& cfg, llm_proxy_config config, llm_proxy_deps deps)
  : llm_proxy_actor::base(cfg), config_(config), deps_(std::move(deps)), limits_(config.limits) {
  set_default_handler(caf::drop);
  set_down_handler([this](const caf::down_msg& down) { requester_ended(down.source); });
}

// What was set aside for calls under way stays spent.
void llm_proxy::on_exit() {
  for (auto& [id, c] : calls_) {
    if (c.errand)
      send_exit(c.errand, caf::exit_reason::user_shutdown);
    if (c.answer.pending())
      c.answer.deliver(to_caf({errc::cancelled, "the service stops"}));
  }
  calls_.clear();
  deps_ = {};
}

llm_proxy::behavior_type llm_proxy::make_behavior() {
  return {[this](user_chat& asked) { return begin(asked); }};
}

caf::result<chat_answer> llm_proxy::begin(user_chat& asked) {
  if (!asked.prompt)
    return to_caf({errc::bad_request, "prompt: missing"});
  if (auto refused = limits_.begin(asked.user, clock().now()))
    return to_caf(std::move(*refused));
  auto id = ++last_id_;
  auto& c = calls_[id];
  c.user = std::move(asked.user);
  c.prompt = std::move(asked.prompt);
  c.prompt_bytes = c.prompt->size();
  c.trace = asked.trace;
  c.trace_state = std::move(asked.trace_state);
  if (auto who = caf::actor_cast<caf::strong_actor_ptr>(current_sender())) {
    c.requester = caf::actor_cast<caf::actor_addr>(who);
    monitor(c.requester);
  }
  c.answer = make_response_promise<chat_answer>();
  auto promised = c.answer;
  reserve(id);
  return promised;
}

void llm_proxy::reserve(call_id id) {
  auto& c = calls_.at(id);
  auto tokens = c.prompt->max_tokens.value_or(config_.max_answer_tokens) + estimated_tokens(c.prompt_bytes);
  database_job job{"reserve_tokens", [user = c.user, tokens, most = config_.tokens_per_day](pg::connection& db) {
                     return std::any{reserve_tokens(db, user, tokens, most)};
                   }};
  // The pool always answers, within the limits of its connections.
  request(deps_.database, caf::infinite, std::move(job))
      .then(
          [this, id](database_answer& a) {
            auto& reserved = a.as<result<token_reservation>>();
            if (!reserved)
              return failed(id, reserved.error());
            calls_.at(id).reserved = *reserved;
            ask(id);
          },
          [this, id](const caf::error& e) { failed(id, to_failure(e)); });
}

void llm_proxy::ask(call_id id) {
  auto& c = calls_.at(id);
  if (c.given_up) {
    auto over = take(id);
    return settle(over, 0);
  }
  c.errand = spawn<llm_errand>(deps_.llm);
  // The client owns all deadlines, and the errand answers when it ends.
  request(c.errand, caf::infinite, chat_call{std::move(c.prompt), c.user, c.trace, std::move(c.trace_state)})
      .then([this, id](chat_answer& a) { answered(id, a); },
            [this, id](const caf::error& e) { failed(id, to_failure(e)); });
}

void llm_proxy::answered(call_id id, chat_answer& content) {
  auto c = take(id);
  auto used = tokens_used(content, c.prompt_bytes);
  settle(c, used);
  if (c.answer.pending())
    c.answer.deliver(std::move(content));
}

void llm_proxy::failed(call_id id, failure why) {
  auto c = take(id);
  if (c.errand)
    settle(c, c.given_up ? estimated_tokens(c.prompt_bytes) : 0);
  if (c.answer.pending())
    c.answer.deliver(to_caf(std::move(why)));
}

// A call whose tokens are just being set aside ends when that is known.
void llm_proxy::requester_ended(const caf::actor_addr& who) {
  for (auto& [id, c] : calls_) {
    if (c.requester != who)
      continue;
    c.given_up = true;
    if (c.errand)
      send_exit(c.errand, caf::exit_reason::user_shutdown);
  }
}

llm_proxy::call llm_proxy::take(call_id id) {
  auto node = calls_.extract(id);
  auto c = std::move(node.mapped());
  limits_.ended(c.user);
  if (c.requester)
    demonitor(c.requester);
  if (c.errand)
    send_exit(c.errand, caf::exit_reason::user_shutdown);
  return c;
}

void llm_proxy::settle(const call& c, std::int64_t used) {
  deps_.observer.tokens_used(c.user, used);
  database_job job{"settle_tokens", [user = c.user, reserved = c.reserved, used](pg::connection& db) {
                     settle_tokens(db, user, reserved, used);
                     return std::any{};
                   }};
  request(deps_.database, caf::infinite, std::move(job))
      .then([this](const database_answer&) { deps_.observer.settled(); },
            [this](const caf::error& e) { deps_.observer.not_settled(to_failure(e)); });
}

} // namespace mana
