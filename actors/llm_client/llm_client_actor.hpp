// llm_client: the actor behind messages/llm_client.hpp. It lives on an io_loop, where thousands of
// calls share one thread.
//
//   waiting ──▶ in flight ──▶ answered
//      ▲            │ an attempt failed and may be repeated
//      └── backing off
//
// Users take turns for places (fair_queue.hpp). A place is one of an endpoint: endpoint_choice.hpp says which
// endpoint is asked, endpoint_guard.hpp how many calls it gets, retry_budget.hpp how often a failed call may
// be sent again. A call that backs off holds no place. The total deadline starts with the first place; before
// that a call waits for two of them at most. A call that no endpoint will take before its deadline ends
// at once, and is told when to come back.
#pragma once

#include "actors/llm_client/attempt.hpp"
#include "actors/llm_client/endpoint.hpp"
#include "actors/llm_client/fair_queue.hpp"
#include "actors/llm_client/llm_client_config.hpp"
#include "actors/llm_client/retry_budget.hpp"
#include "infra/io/hosted.hpp"
#include "messages/llm_client.hpp"

#include <functional>
#include <memory>
#include <set>
#include <unordered_map>

namespace mana {

class llm_client final : public hosted<llm_client_actor::base> {
public:
  using random_source = std::function<double()>; // [0, 1)

  // Use spawn_llm_client().
  llm_client(caf::actor_config& actor_cfg, io_loop& loop, const llm_client_config& cfg,
             std::vector<llm_endpoint>& endpoints, llm_observer observer, random_source random);

  const char* name() const override { return "llm_client"; }
  void on_exit() override;

protected:
  behavior_type make_behavior() override;

private:
  using clock = std::chrono::steady_clock;
  using call_id = net::http_client::call_id;
  using promise = caf::typed_response_promise<chat_answer>;
  enum class call_state : std::uint8_t { waiting, in_flight, backing_off };

  struct call {
    promise answer;
    std::shared_ptr<const chat_prompt> prompt;
    user_id user;
    span_context trace;
    std::string trace_state;
    caf::actor_addr requester; // may be none
    call_state state = call_state::waiting;
    std::size_t endpoint = 0; // in flight: where
    std::optional<std::size_t> failed_at;
    unsigned attempts = 0;
    unsigned http_calls = 0;
    clock::time_point waiting_since{};
    clock::duration waited{0};
    std::optional<clock::time_point> deadline;        // from the first place
    std::unique_ptr<boost::asio::steady_timer> timer; // while backing off, and in the wait after it
  };
  using call_map = std::unordered_map<call_id, call>;

  // An attempt: where, and what is to be handed back there.
  struct ticket {
    std::size_t endpoint;
    endpoint_guard::permit permit;
    started_span span; // from when it is sent
    unsigned retry = 0;
  };

  caf::result<chat_answer> accept(chat_call& asked);
  llm_status status() const;
  std::vector<endpoint_view> views(clock::time_point now) const;
  bool has_room(clock::time_point now) const;
  clock::time_point deadline_of(const call& c, clock::time_point now) const;

  void wait_for_place(call_id id, call& c);
  void fill_places();
  bool start_next(clock::time_point now);
  bool expire_oldest(clock::time_point now);
  void look_again(clock::time_point now);
  void start(call_map::iterator c, std::size_t endpoint, clock::time_point now);

  boost::asio::awaitable<void> attempt(caf::strong_actor_ptr keep_alive, call_id id,
                                       std::shared_ptr<const chat_prompt> prompt, clock::time_point deadline, ticket t);
  void attempt_threw(call_id id, ticket t);
  void learn(const ticket& t, const attempt_report& report);
  void tell(const ticket& t, const attempt_report& report, unsigned status, clock::time_point begun) const;
  void attempt_ended(call_id id, unsigned http_calls, attempt_report report);
  void attempt_failed(call_map::iterator c, const attempt_failure& problem);

  void back_off(call_id id, call& c, clock::duration delay);
  void wait_again(call_id id, call& c);
  void wake_at(call_id id, call& c, clock::time_point when);
  void woken(call_id id);
  void answer(call_map::iterator c, completion content);
  void fail(call_map::iterator c, failure why);
  call forget(call_map::iterator c);
  void watch(call_id id, const caf::strong_actor_ptr& who, call& c);
  void requester_ended(caf::actor_id who);

  failure nobody_takes_it(const endpoint_choice& choice, clock::time_point now);
  failure with_pause(failure why);

  const llm_client_config cfg_;
  std::vector<llm_endpoint> endpoints_; // without connections after on_exit()
  llm_observer observer_;
  random_source random_;
  retry_budget budget_;
  call_map calls_;
  fair_queue waiting_;
  std::unique_ptr<boost::asio::steady_timer> attention_; // for those that wait; none after on_exit()
  std::optional<clock::time_point> attention_at_;
  std::size_t in_flight_ = 0;
  call_id last_id_ = 0;
  std::unordered_map<caf::actor_id, std::set<call_id>> by_requester_;
};

// errc::config_invalid: a setting is out of range, or the CA file cannot be read; the detail names
// every one. Without `random` the system's entropy seeds a generator.
//
// The actor must end before `loop` does. Each call in flight holds a file descriptor: see
// net::raise_descriptor_limit().
result<llm_client_actor> spawn_llm_client(caf::actor_system& sys, io_loop& loop, const llm_client_config& cfg,
                                          llm_observer observer = {}, llm_client::random_source random = {});

} // namespace mana
