#include "tests/simulation/simulation.hpp"

#include "tests/simulation/people.hpp"
#include "tests/simulation/replica.hpp"
#include "tests/simulation/tabs.hpp"

namespace mana::sim {

namespace {

using namespace std::chrono_literals;

// What may go wrong in this world, and how often. Not everything in each: a world without outages shows what an outage
// would hide.
struct dangers {
  weather sky;
  llm_mood mood;
  milliseconds between_crashes{0}; // 0: none
  milliseconds between_pauses{0};
  milliseconds between_outages{0};
  milliseconds between_drains{0};
  milliseconds between_clock_jumps{0};
  milliseconds between_releases{0};
  milliseconds between_actions{0};
  milliseconds between_tabs{0};
  double lost_notices = 0;
  double busy_rows = 0;
};

dangers choose_dangers(seeded_random& random) {
  auto share = [&](double most) { return random.chance(0.5) ? random.share() * most : 0; };
  auto every = [&](milliseconds least, milliseconds most) {
    return random.chance(0.5) ? random.between(least, most) : 0ms;
  };
  dangers d;
  d.sky = {share(0.1), share(0.08), share(0.12), share(0.06), random.share()};
  d.mood = {share(0.3), share(0.1), share(0.5)};
  d.between_crashes = every(20s, 3min);
  d.between_pauses = every(20s, 3min);
  d.between_outages = every(40s, 3min);
  d.between_drains = every(40s, 3min);
  d.between_clock_jumps = every(30s, 3min);
  d.between_releases = every(40s, 3min);
  d.between_actions = random.chance(0.85) ? random.between(4s, 30s) : 0ms;
  d.between_tabs = every(1s, 20s);
  d.lost_notices = share(0.6);
  d.busy_rows = share(0.05);
  return d;
}

// A replica that CAF runs message by message.
struct testing_config : caf::actor_system_config {
  testing_config() { set("scheduler.policy", caf::atom("testing")); }
};

class world {
public:
  world(std::uint64_t seed, tracing how, broken_rule broken);
  ~world();
  world_outcome live();

private:
  timestamp database_now() const { return dawn_ + loop_.elapsed(); }
  bool sound() const { return !books_.violation(); }
  void populate();
  void begin_dangers();
  void repeat(milliseconds every, std::function<void()> what);
  void notify(std::function<void(replica&)> what);
  void release_one();
  void revive();
  void outage();
  void calm_down();
  void run_for(milliseconds duration);
  std::map<mission_key, timestamp> due() const;
  bool settled(const std::map<mission_key, timestamp>& was_due) const;
  void wait_for_ends();
  void tick_all();
  void stop_all();
  void compare_with_history();
  replica& any_replica() { return *replicas_[random_.below(replicas_.size())]; }

  seeded_random random_;
  testing_config config_;
  caf::actor_system sys_{config_};
  event_loop loop_;
  timestamp dawn_;
  trace log_;
  invariants books_;
  database_model database_;
  llm_model llm_;
  network net_;
  surroundings around_;
  people people_;
  tabs tabs_;
  dangers dangers_;
  std::vector<std::unique_ptr<replica>> replicas_;
  bool dangerous_ = true;
  bool stopping_ = false;
};

// Late in an hour, and every other time late in a day, so that budgets are renewed while a world lives.
timestamp dawn_of(seeded_random& random) {
  auto day = *parse_iso("2026-03-02T00:00:00Z");
  return day + std::chrono::hours{random.chance(0.5) ? 23 : 8} + random.between(54min, 59min);
}

world::world(std::uint64_t seed, tracing how, broken_rule broken)
  : random_(seed), loop_(sys_, random_.next()), dawn_(dawn_of(random_)), log_(how, [this] { return database_now(); }),
    books_(log_, [this] { return database_now(); }),
    database_([this] { return database_now(); }, random_.next(), books_, broken), llm_(random_.next()),
    net_(loop_, log_, random_.next()), around_{sys_,   loop_, net_, database_,      llm_,
                                               books_, log_,  {},   random_.next(), [this] { return database_now(); }},
    people_(around_, random_.next()), tabs_(around_, people_, random_.next()), dangers_(choose_dangers(random_)) {
  populate();
}

// The replicas' actors end before what they call into.
world::~world() {
  for (auto& r : replicas_)
    r->crash();
  loop_.forget_events();
  loop_.run_actors();
}

void world::populate() {
  auto lost = [this] { return dangerous_ && random_.chance(dangers_.lost_notices); };
  database_.notify({[=, this] { notify([=](replica& r) { lost() ? void() : r.log_changed(); }); },
                    [=, this](const std::vector<std::string>& grants) {
                      notify([=](replica& r) { lost() ? void() : r.grants_withdrawn(grants); });
                    }});
  people_.move_in(static_cast<std::size_t>(random_.between(2, 4)));
  std::size_t replicas = random_.chance(0.7) ? 2 : 3;
  for (std::size_t i = 0; i < replicas; ++i) {
    replicas_.push_back(std::make_unique<replica>(i, around_));
    replicas_.back()->jump_clock(random_.between(-10min, 10min));
    loop_.after(random_.between(0ms, 5s), [r = replicas_.back().get()] { r->start(); });
  }
}

void world::notify(std::function<void(replica&)> what) {
  for (auto& r : replicas_)
    loop_.after(random_.between(1ms, 50ms), [what, r = r.get()] { what(*r); });
}

// -- what goes wrong ----------------------------------------------------------------------------------

void world::repeat(milliseconds every, std::function<void()> what) {
  if (every <= 0ms)
    return;
  loop_.after(random_.between(every / 4, every * 2), [=, this] {
    if (!dangerous_)
      return;
    what();
    repeat(every, what);
  });
}

void world::begin_dangers() {
  net_.set_weather(dangers_.sky);
  llm_.set_mood(dangers_.mood);
  database_.set_busy_share(dangers_.busy_rows);
  repeat(dangers_.between_crashes, [this] { any_replica().crash(); });
  repeat(dangers_.between_pauses, [this] {
    auto& r = any_replica();
    r.pause();
    loop_.after(random_.between(1s, 2 * lease_duration), [&r] { r.resume(); });
  });
  repeat(dangers_.between_outages, [this] { outage(); });
  repeat(dangers_.between_drains, [this] { any_replica().drain(random_.between(0ms, 5s)); });
  repeat(dangers_.between_clock_jumps, [this] { any_replica().jump_clock(random_.between(-10min, 10min)); });
  repeat(dangers_.between_releases, [this] { release_one(); });
  repeat(dangers_.between_actions, [this] { people_.act({}); });
  repeat(dangers_.between_tabs, [this] { tabs_.open(); });
}

// An operator believes that a mission is harmless by now.
void world::release_one() {
  for (auto& [key, s] : database_.snapshots())
    if (s.quarantined) {
      log_(key.user.value, key.mission.value, "is released");
      database_.release_quarantined(key);
      return;
    }
}

// Whoever died is started anew after a while.
void world::revive() {
  if (stopping_)
    return;
  for (auto& r : replicas_)
    if (!r->running() && (!dangerous_ || random_.chance(0.3)))
      r->start();
  loop_.after(2s, [this] { revive(); });
}

void world::outage() {
  bool silent = random_.chance(0.5);
  log_("the database is away");
  net_.set_outage(true, silent);
  loop_.after(random_.between(500ms, 40s), [this] {
    log_("the database is back");
    net_.set_outage(false, false);
  });
}

// -- and when nothing does any more -------------------------------------------------------------------

void world::calm_down() {
  log_("no more faults");
  dangerous_ = false;
  net_.set_weather({});
  net_.set_outage(false, false);
  llm_.set_mood({});
  database_.set_busy_share(0);
  for (auto& r : replicas_)
    r->resume();
}

void world::run_for(milliseconds duration) {
  auto end = loop_.now() + duration;
  while (sound() && loop_.now() < end)
    loop_.step(end);
}

std::map<mission_key, timestamp> world::due() const {
  std::map<mission_key, timestamp> out;
  for (auto& [key, s] : database_.snapshots())
    if (s.hold.empty() && s.slot_at && *s.slot_at <= database_now())
      out.emplace(key, *s.slot_at);
  return out;
}

// Each of these slots has its iteration, or its mission waits for its user.
bool world::settled(const std::map<mission_key, timestamp>& was_due) const {
  for (auto& [key, slot] : was_due) {
    auto now = database_.snapshots().find(key);
    bool waits = now != database_.snapshots().end() && now->second.hold.empty() && now->second.slot_at == slot;
    if (waits && !database_.over_budget(key.user))
      return false;
  }
  return true;
}

void world::wait_for_ends() {
  constexpr milliseconds longest = 10min;
  run_for(longest_delay); // what was under way has arrived
  database_.refresh();
  auto was_due = due();
  log_(was_due.size(), "slots are due");
  auto end = loop_.now() + longest;
  while (sound() && !settled(was_due) && loop_.now() < end)
    run_for(1s);
  if (!sound() || settled(was_due))
    return;
  for (auto& [key, slot] : was_due) {
    auto now = database_.snapshots().find(key);
    if (now != database_.snapshots().end() && now->second.hold.empty() && now->second.slot_at == slot
        && !database_.over_budget(key.user))
      books_.violated("every due slot comes to its end", key.user.value + "/" + key.mission.value);
  }
}

// Ticks end, whatever they had to wait for.
void world::tick_all() {
  auto waiting = std::make_shared<std::size_t>(replicas_.size());
  for (auto& r : replicas_)
    r->tick([waiting] { --*waiting; });
  auto end = loop_.now() + 3min;
  while (sound() && *waiting > 0 && loop_.now() < end)
    run_for(1s);
  // A poisonous mission may have ended a replica and the tick with it.
  if (sound() && *waiting > 0 && around_.poisons.empty())
    books_.violated("a tick is answered", std::to_string(*waiting) + " are not");
}

void world::stop_all() {
  stopping_ = true;
  for (auto& r : replicas_)
    r->drain(2s);
  run_for(10s);
  for (auto& r : replicas_)
    if (sound() && r->running())
      books_.violated("a drain ends in time", "a replica still runs");
  for (auto& [key, s] : database_.snapshots()) // poison leaves some
    if (sound() && s.token && !s.foreground && s.lease_until > database_now() && around_.poisons.empty())
      books_.violated("no lease is left behind by a drain", key.user.value + "/" + key.mission.value);
}

// The snapshots are what the log says, and no iteration was lost on the way.
void world::compare_with_history() {
  database_.refresh();
  for (auto& key : database_.missions()) {
    auto whole = database_.whole_history(key);
    auto known = database_.snapshots().find(key);
    bool there = known != database_.snapshots().end();
    if (there != (whole.exists() && !whole.hidden())
        || (there && json::value{known->second.record.fields()} != json::value{whole.fields()}))
      books_.violated("a snapshot is what its history says", key.user.value + "/" + key.mission.value);
    auto written = books_.iterations_of(key);
    if (auto* list = whole.fields().find("iterations"); list != nullptr && list->as_array() != nullptr)
      for (auto& i : *list->as_array())
        written.erase(std::string{i.text("id")});
    if (!written.empty())
      books_.violated("no iteration is lost", key.user.value + "/" + key.mission.value);
  }
}

world_outcome world::live() {
  begin_dangers();
  loop_.after(10s, [this] { revive(); });
  run_for(random_.between(150s, 5min));
  calm_down();
  wait_for_ends();
  if (sound())
    tick_all();
  if (sound())
    stop_all();
  if (sound())
    compare_with_history();
  world_outcome out;
  out.violation = books_.violation();
  out.planned = books_.planned();
  out.failed = books_.failed();
  for (auto& [key, s] : database_.snapshots())
    out.quarantined += s.quarantined ? 1 : 0;
  out.trace_hash = log_.hash();
  out.trace = log_.lines();
  return out;
}

} // namespace

world_outcome simulate(std::uint64_t seed, tracing how, broken_rule broken) { return world{seed, how, broken}.live(); }

} // namespace mana::sim
