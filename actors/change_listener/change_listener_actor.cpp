#include "actors/change_listener/change_listener_actor.hpp"

#include "actors/change_log/stop_notice.hpp"
#include "infra/crypto/random_uuid.hpp"
#include "infra/postgres/notifications.hpp"

namespace mana {

namespace {

using namespace std::chrono_literals;

constexpr auto log_channel = "mana_ai_log";
constexpr auto slice = 200ms;

constexpr auto unheard = "notifications do not arrive: LISTEN_DATABASE_URL must lead to the server of "
                         "SYNC_DATABASE_URL and not through a transaction pooler; the log is polled meanwhile";

constexpr auto unsent = "the listener's self-check was not sent in time: the database hangs, or its connections "
                        "are all busy; the log is polled meanwhile";

} // namespace

change_listener::change_listener(caf::actor_config& cfg, listener_config config, listener_deps deps,
                                 listener_observer observer)
  : change_listener_actor::base(cfg), config_(std::move(config)), deps_(std::move(deps)),
    observer_(std::move(observer)), hearing_(config_.rules) {
  set_default_handler(caf::drop);
}

change_listener::~change_listener() = default;

void change_listener::on_exit() {
  source_.reset();
  deps_ = {};
}

change_listener::behavior_type change_listener::make_behavior() {
  send(this, listen{});
  return {[this](listen) { step(); }};
}

void change_listener::step() {
  if (auto task = hearing_.due(clock().now())) {
    perform(*task);
    send(this, listen{});
  } else if (source_) {
    wait_for_notifications();
    send(this, listen{});
  } else {
    delayed_send(this, slice, listen{});
  }
}

void change_listener::perform(hearing::task task) {
  switch (task) {
    case hearing::task::connect: return connect();
    case hearing::task::check: return check();
    case hearing::task::give_up: return lose({errc::database_timeout, check_is_sent_ ? unheard : unsent});
    case hearing::task::poll:
      send(deps_.refresher, log_changed{});
      return hearing_.polled(clock().now(), deps_.random());
  }
}

void change_listener::connect() {
  own_channel_ = "mana_ai_listener_" + random_uuid();
  auto connected = pg::attempt([this] {
    return std::make_unique<pg::notification_source>(config_.url,
                                                     std::vector<std::string>{log_channel, stop_channel, own_channel_});
  });
  if (!connected)
    return lose(connected.error());
  source_ = std::move(*connected);
  hearing_.connected(clock().now());
}

void change_listener::check() {
  hearing_.check_started(clock().now());
  check_is_sent_ = false;
  database_job job{"listener_check", [channel = own_channel_](pg::connection& db) -> std::any {
                     return db.exec("SELECT pg_notify($1, '')", channel).size();
                   }};
  // By another connection: a pooler would hand what this one sends itself straight back to it.
  request(deps_.database, caf::infinite, std::move(job))
      .then([this](const database_answer&) { check_is_sent_ = true; },
            [this, channel = own_channel_](const caf::error& e) {
              if (channel != own_channel_)
                return;
              hearing_.check_not_sent(clock().now());
              observer_.deaf(to_failure(e));
            });
}

void change_listener::lose(const failure& why) {
  source_.reset();
  hearing_.lost(clock().now(), deps_.random());
  observer_.deaf(why);
}

void change_listener::wait_for_notifications() {
  auto heard = pg::attempt([this] { return source_->wait(slice); });
  if (!heard)
    return lose(heard.error());
  pass_on(*heard);
}

// Many changes of the log cost one refresh; every order to stop counts.
void change_listener::pass_on(const std::vector<pg::notification>& heard) {
  bool changed = false;
  for (auto& n : heard) {
    changed = changed || n.channel == log_channel;
    if (n.channel == own_channel_ && hearing_.check_heard(clock().now()))
      observer_.hears();
    if (auto order = n.channel == stop_channel ? parse_stop_notice(n.payload) : std::nullopt)
      send(deps_.scheduler, *order);
  }
  if (changed)
    send(deps_.refresher, log_changed{});
}

} // namespace mana
