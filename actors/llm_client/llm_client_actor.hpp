// llm_client: the actor behind messages/llm_client.hpp. It lives on an io_loop, where thousands of
// calls share one thread.
//
//   waiting ──▶ in flight ──▶ answered
//      ▲            │ an attempt failed and may be repeated
//      └── backing off
//
// `in flight` is limited by max_in_flight. A call that backs off holds no place; when its time has
// come it waits like the others, but in the order of arrival, so before all younger ones. The total
// deadline starts with the first place; the circuit is asked before every attempt.
#pragma once

#include "actors/llm_client/attempt.hpp"
#include "actors/llm_client/llm_client_config.hpp"
#include "infra/http_client/http_client.hpp"
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
             std::unique_ptr<net::http_client>& http, llm_observer observer, random_source random);

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
    caf::actor_addr requester; // may be none
    call_state state = call_state::waiting;
    unsigned attempts = 0;
    unsigned http_calls = 0;
    clock::time_point waiting_since{};
    clock::duration waited{0};
    std::optional<clock::time_point> deadline;        // from the first place
    std::unique_ptr<boost::asio::steady_timer> timer; // while backing off, and in the wait after it
  };
  using call_map = std::unordered_map<call_id, call>;

  caf::result<chat_answer> accept(chat_call& asked);
  std::optional<failure> refusal() const;
  void wait_for_place(call_id id, call& c);
  void fill_places();
  void start(call_map::iterator c);
  boost::asio::awaitable<void> attempt(caf::strong_actor_ptr keep_alive, call_id id,
                                       std::shared_ptr<const chat_prompt> prompt, clock::time_point deadline,
                                       circuit_permit permit);
  void attempt_ended(call_id id, unsigned http_calls, attempt_report report);
  void attempt_threw(call_id id, circuit_permit permit);
  void back_off(call_id id, call& c, clock::duration delay);
  void wake_at(call_id id, call& c, clock::time_point when);
  void woken(call_id id);
  void answer(call_map::iterator c, completion content);
  void fail(call_map::iterator c, failure why);
  call forget(call_map::iterator c);
  void watch(call_id id, const caf::strong_actor_ptr& who, call& c);
  void requester_ended(caf::actor_id who);

  const llm_client_config cfg_;
  const chat_options options_;
  const std::string target_;
  std::shared_ptr<net::http_client> http_; // shared with the attempts; none after on_exit()
  llm_observer observer_;
  random_source random_;
  circuit_state circuit_;
  call_map calls_;
  std::set<call_id> waiting_; // ids grow, so the first is the oldest
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
