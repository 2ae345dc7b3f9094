#include "tests/simulation/replica.hpp"

#include "tests/granted_record.hpp"
#include "tests/simulation/roles.hpp"

namespace mana::sim {

namespace {

using namespace std::chrono_literals;

// The scheduler answers a drain when the last hand back was answered or timed out.
constexpr milliseconds drain_margin = 4s;

scheduler_config small_scheduler() {
  scheduler_config c;
  c.tick_interval = 30s;
  c.max_runs = 4;
  c.max_runs_per_user = user_limits{}.runs_in_flight;
  c.claim_batch = 3;
  c.lease_duration = lease_duration;
  return c;
}

planner_config small_planner() {
  planner_config c;
  c.retry.max_attempts = max_attempts;
  c.retry.between = {.least = 1s, .base = 5s, .max = 30s};
  c.retry.circuit_pause = 10s;
  c.keys = crypto::private_keys();
  return c;
}

} // namespace

std::shared_ptr<const tool_catalogue> shared_catalogue() {
  static const auto catalogue = std::make_shared<const tool_catalogue>(*load_embedded_tool_catalogue());
  return catalogue;
}

struct replica::life {
  scheduler_actor scheduler;
  std::vector<caf::actor> roles;
  std::map<caf::actor_id, std::pair<caf::actor, lease>> planners;
  std::shared_ptr<const planner_deps> planning;
};

replica::replica(std::size_t index, surroundings& around)
  : index_(index), around_(around), random_(around.seed + 17 * (index + 1)) {}

replica::~replica() = default;

template <class F>
void replica::for_each_actor(F f) {
  if (!life_)
    return;
  f(caf::actor_cast<caf::actor>(life_->scheduler));
  for (auto& role : life_->roles)
    f(role);
  for (auto& [id, planner] : life_->planners)
    f(planner.first);
}

// -- from start to end ------------------------------------------------------------------------------

void replica::start() {
  if (running())
    return;
  session_ = std::make_shared<session>();
  session_->replica = index_;
  session_->name = "r" + std::to_string(index_) + "." + std::to_string(++lives_);
  life_ = std::make_unique<life>();
  around_.log(session_->name, "starts");
  around_.books.forgot(index_);
  life_->planning = planner_dependencies();
  life_->scheduler = around_.sys.spawn<scheduler>(small_scheduler(), scheduler_dependencies());
}

void replica::crash() {
  if (!running())
    return;
  around_.log(session_->name, "is gone");
  resume();
  session_->alive = false; // first: nothing that the actors say from here on is heard
  for_each_actor([](const caf::actor& a) { caf::anon_send_exit(a, caf::exit_reason::kill); });
  life_ = nullptr;
  session_ = nullptr;
  draining_ = false;
}

void replica::pause() {
  if (!running() || paused_)
    return;
  around_.log(session_->name, "stands still");
  paused_ = true;
  for_each_actor([this](const caf::actor& a) { around_.loop.freeze(a.id()); });
}

void replica::resume() {
  if (!paused_)
    return;
  around_.log(session_->name, "goes on");
  paused_ = false;
  for_each_actor([this](const caf::actor& a) { around_.loop.thaw(a.id()); });
}

template <class Answer, class Request>
void replica::ask_scheduler(Request what, std::function<void()> answered) {
  auto heard = [s = session_, answered = std::move(answered)] {
    if (s->alive)
      answered();
  };
  life_->roles.push_back(around_.sys.spawn(
      [](caf::event_based_actor* self, const scheduler_actor& scheduler, Request request, std::function<void()> done) {
        self->request(scheduler, caf::infinite, std::move(request))
            .then([done](const Answer&) { done(); }, [](const caf::error&) {});
      },
      life_->scheduler, std::move(what), std::function<void()>{heard}));
}

void replica::tick(std::function<void()> answered) {
  if (running())
    ask_scheduler<tick_report>(run_tick{}, std::move(answered));
}

void replica::drain(milliseconds grace) {
  if (!running() || paused_ || draining_)
    return;
  draining_ = true;
  around_.log(session_->name, "drains");
  ask_scheduler<mana::drained>(mana::drain{grace}, [this] { drained(); });
  around_.loop.after(grace + drain_margin, [this, s = session_] {
    if (s->alive && !paused_)
      around_.books.violated("a drain ends in time", s->name);
  });
}

void replica::drained() {
  around_.log(session_->name, "is drained");
  around_.loop.after(1ms, [this, s = session_] {
    if (s->alive)
      crash();
  });
}

void replica::jump_clock(milliseconds skew) {
  around_.log("clock of replica", index_, "is off by", skew.count() / 1000, "s");
  skew_ = skew;
}

// -- what the replica hears -----------------------------------------------------------------------------

void replica::log_changed() {
  if (!running())
    return;
  auto answered = [scheduler = life_->scheduler](result<snapshots_refreshed> r) {
    if (r && r->created + r->updated > 0)
      caf::anon_send(scheduler, work_available{});
  };
  around_.net.call<snapshots_refreshed>(
      session_, "refresh", [this]() -> result<snapshots_refreshed> { return around_.database.refresh(); }, answered);
}

void replica::grants_withdrawn(const std::vector<std::string>& grants) {
  if (!running())
    return;
  for (auto& grant : grants) {
    if (!paused_)
      around_.books.heard_of_withdrawal(index_, grant);
    caf::anon_send(life_->scheduler, stop_runs{stop_runs::whose::grant, grant});
  }
}

// -- what the replica is made of ------------------------------------------------------------------------

role_context replica::context_of_roles() {
  return {around_, session_, [this](const caf::actor_addr& planner) { note_use(planner); },
          [this](caf::actor_id planner) {
            auto known = life_->planners.find(planner);
            return known == life_->planners.end() ? std::nullopt : std::optional{known->second.second};
          }};
}

scheduler_deps replica::scheduler_dependencies() {
  auto roles = context_of_roles();
  scheduler_deps deps;
  deps.claimer = spawn_claimer(roles, life_->roles);
  deps.refresher = spawn_refresher(roles, life_->roles);
  deps.make_planner = [this, s = session_](const claimed_mission& run, const started_span&,
                                           const scheduler_actor& owner) {
    if (!s->alive) // the message that kills the scheduler is behind others
      throw std::runtime_error{"the replica is gone"};
    return make_planner(run, owner);
  };
  deps.now = [this] { return around_.database_now() + skew_; };
  deps.random = [this] { return random_.share(); };
  return deps;
}

std::shared_ptr<planner_deps> replica::planner_dependencies() {
  static const auto config = small_planner();
  auto roles = context_of_roles();
  auto deps = std::make_shared<planner_deps>();
  deps->config = config;
  deps->steps = plan_with(shared_catalogue());
  deps->reader = spawn_reader(roles, life_->roles);
  deps->audit = spawn_audit(roles, life_->roles);
  deps->llm = spawn_llm(roles, life_->roles);
  deps->writer = spawn_writer(roles, life_->roles);
  deps->random = [this] { return random_.share(); };
  return deps;
}

caf::actor replica::make_planner(const claimed_mission& run, const scheduler_actor& owner) {
  auto out = caf::actor_cast<caf::actor>(around_.sys.spawn<planner>(life_->planning, run, owner));
  life_->planners.emplace(out.id(), std::pair{out, run.held});
  out->attach_functor([this, s = session_, id = out.id()] {
    if (s->alive)
      life_->planners.erase(id);
  });
  around_.log(session_->name, "runs", run.held.key.user.value, run.held.key.mission.value, run.held.token.value,
              "attempt", run.attempt, "crashes", run.crashes, "slot", run.slot);
  hurt(run.held.key, out, true);
  return out;
}

// A planner reads or asks.
void replica::note_use(const caf::actor_addr& planner) {
  if (auto known = life_->planners.find(planner.id()); known != life_->planners.end())
    hurt(known->second.second.key, known->second.first, false);
}

void replica::hurt(const mission_key& key, caf::actor planner, bool at_start) {
  auto known = around_.poisons.find(key);
  if (known == around_.poisons.end() || (known->second == poison::kills_at_once) != at_start)
    return;
  around_.loop.after(random_.between(1ms, 300ms), [this, s = session_, planner, how = known->second] {
    if (!s->alive)
      return;
    around_.log(s->name, "is hit by poison");
    if (how == poison::kills_planner)
      caf::anon_send_exit(planner, caf::exit_reason::unhandled_exception);
    else
      crash();
  });
}

} // namespace mana::sim
