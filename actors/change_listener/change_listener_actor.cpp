#include "actors/change_listener/change_listener_actor.hpp"

#include "infra/crypto/random_uuid.hpp"
#include "infra/postgres/notifications.hpp"

namespace mana {

namespace {

using namespace std::chrono_literals;

constexpr auto slice = 200ms;

std::string unheard(const listener_config& c) {
  return "notifications do not arrive: " + c.listen_setting + " must lead to the server of " + c.database_setting
         + " and not through a transaction pooler; the log is polled meanwhile";
}

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
    case hearing::task::give_up: return lose({errc::database_timeout, check_is_sent_ ? unheard(config_) : unsent});
    case hearing::task::poll: deps_.poll(); return hearing_.polled(clock().now(), deps_.random());
  }
}

void change_listener::connect() {
  own_channel_ = "mana_ai_listener_" + random_uuid();
  auto channels = config_.channels;
  channels.push_back(own_channel_);
  auto connected =
      pg::attempt([&] { return std::make_unique<pg::notification_source>(config_.url, std::move(channels)); });
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
  pass_on(std::move(*heard));
}

void change_listener::pass_on(std::vector<pg::notification> heard) {
  auto is_own = [this](auto& n) { return n.channel == own_channel_; };
  auto own = std::erase_if(heard, is_own);
  if (own > 0 && hearing_.check_heard(clock().now()))
    observer_.hears();
  if (!heard.empty())
    deps_.heard(heard);
}

} // namespace mana
