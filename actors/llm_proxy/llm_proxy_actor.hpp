// llm_proxy: the actor behind messages/llm_proxy.hpp.
//
//   limits ──▶ tokens set aside ──▶ asked, by an errand of its own ──▶ answered ──▶ tokens settled
//
// An answer is charged as planners' are. A call that failed costs nothing; one that its user gave up costs its prompt,
// which the endpoint has most likely read: else who hangs up in time would ask for free.
#pragma once

#include "actors/llm_proxy/call_limits.hpp"
#include "actors/llm_proxy/token_queries.hpp"
#include "messages/database.hpp"
#include "messages/llm_proxy.hpp"

#include <functional>
#include <unordered_map>

namespace mana {

struct llm_proxy_config {
  call_rules limits;
  std::int64_t tokens_per_day = 0; // of users without a limit of their own; 0: no limit
  int max_answer_tokens = 2'000;   // of calls that ask for no other number
};

struct llm_proxy_observer {
  std::function<void(const user_id&, std::int64_t)> tokens_used = [](auto&, auto) {};
  std::function<void()> settled = [] {};
  // What could not be settled stays charged as it was set aside.
  std::function<void(const failure&)> not_settled = [](auto&) {};
};

struct llm_proxy_deps {
  database_actor database;
  llm_client_actor llm;
  llm_proxy_observer observer;
};

class llm_proxy : public llm_proxy_actor::base {
public:
  llm_proxy(caf::actor_config& cfg, llm_proxy_config config, llm_proxy_deps deps);

  const char* name() const override { return "llm_proxy"; }
  void on_exit() override;

protected:
  behavior_type make_behavior() override;

private:
  using call_id = std::uint64_t;
  struct call {
    user_id user;
    std::shared_ptr<const chat_prompt> prompt;
    std::size_t prompt_bytes = 0;
    span_context trace;
    std::string trace_state;
    caf::typed_response_promise<chat_answer> answer;
    caf::actor_addr requester;
    llm_client_actor errand; // empty while tokens are being set aside
    token_reservation reserved;
    bool given_up = false;
  };

  caf::result<chat_answer> begin(user_chat& asked);
  void reserve(call_id id);
  void ask(call_id id);
  void answered(call_id id, chat_answer& content);
  void failed(call_id id, failure why);
  void requester_ended(const caf::actor_addr& who);
  call take(call_id id);
  void settle(const call& c, std::int64_t used);

  llm_proxy_config config_;
  llm_proxy_deps deps_;
  call_limits limits_;
  std::unordered_map<call_id, call> calls_;
  call_id last_id_ = 0;
};

} // namespace mana
