// One replica of the runner: the real scheduler and planners, and around them the roles as the border to the model of
// the database and of the language model.
#pragma once

#include "actors/planner/planner_actor.hpp"
#include "actors/scheduler/scheduler_actor.hpp"
#include "tests/simulation/database_model.hpp"
#include "tests/simulation/event_loop.hpp"
#include "tests/simulation/llm_model.hpp"
#include "tests/simulation/network.hpp"

#include <map>
#include <memory>
#include <vector>

namespace mana::sim {

// What a mission does to whoever runs it.
enum class poison : std::uint8_t {
  none,
  kills_at_once, // the replica dies as soon as the run begins
  kills_in_run,  // the replica dies when the run reads or asks
  kills_planner, // the planner dies when the run reads or asks
};

// An answer on its way into the actor that has promised it.
struct deliver_answer {
  std::function<void()> deliver;
};

struct surroundings {
  caf::actor_system& sys;
  event_loop& loop;
  network& net;
  database_model& database;
  llm_model& llm;
  invariants& books;
  trace& log;
  std::map<mission_key, poison> poisons;
  std::uint64_t seed = 0;
  std::function<timestamp()> database_now;
};

struct role_context;

class replica {
public:
  replica(std::size_t index, surroundings& around);
  ~replica();

  bool running() const { return session_ != nullptr; }
  bool paused() const { return paused_; }
  bool draining() const { return draining_; }
  // May be called in any state: what does not apply changes nothing.
  void start();
  void crash();
  void pause();
  void resume();
  // Ends when the scheduler says that it is drained; that it does not in time is a violation.
  void drain(milliseconds grace);
  void jump_clock(milliseconds skew);
  // POST /internal/tick.
  void tick(std::function<void()> answered);

  // Notifications of the database.
  void log_changed();
  void grants_withdrawn(const std::vector<std::string>& grants);

private:
  struct life; // what a crash takes with it

  role_context context_of_roles();
  scheduler_deps scheduler_dependencies();
  std::shared_ptr<planner_deps> planner_dependencies();
  caf::actor make_planner(const claimed_mission& run, const scheduler_actor& owner);
  void note_use(const caf::actor_addr& planner);
  void hurt(const mission_key& key, caf::actor planner, bool at_start);
  void drained();
  template <class Answer, class Request>
  void ask_scheduler(Request what, std::function<void()> answered);
  template <class F>
  void for_each_actor(F f);

  std::size_t index_;
  surroundings& around_;
  seeded_random random_;
  milliseconds skew_{0};
  std::shared_ptr<session> session_;
  std::unique_ptr<life> life_;
  std::size_t lives_ = 0;
  bool paused_ = false;
  bool draining_ = false;
};

// The texts and keys that all planners share, made once per process.
std::shared_ptr<const tool_catalogue> shared_catalogue();

} // namespace mana::sim

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::sim::deliver_answer)
