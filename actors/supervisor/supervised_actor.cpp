#include "actors/supervisor/supervised_actor.hpp"

namespace mana {

namespace {

struct unused {}; // an actor without a handler would end at once

} // namespace

} // namespace mana

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::unused)

namespace mana {

supervised::supervised(caf::actor_config& cfg, std::string child_name, child_factory make_child, restart_limit limit,
                       observer restarted)
  : caf::event_based_actor(cfg), child_name_(std::move(child_name)), make_child_(std::move(make_child)), limit_(limit),
    restarted_(std::move(restarted)) {
  set_default_handler([this](caf::scheduled_actor*, caf::message_view& m) -> caf::result<caf::message> {
    if (!child_)
      return to_caf({errc::shutting_down, child_name_ + " is stopping"});
    delegate(child_, m.move_content_to_message());
    return caf::delegated<caf::message>{};
  });
  set_down_handler([this](const caf::down_msg& down) { child_down(down); });
  set_exit_handler([this](const caf::exit_msg& m) {
    stopping_ = true;
    stop_reason_ = m.reason;
    if (child_)
      send_exit(child_, m.reason);
    else
      quit(m.reason);
  });
}

caf::behavior supervised::make_behavior() {
  start_child();
  return {[](unused) {}};
}

void supervised::start_child() {
  child_ = make_child_();
  monitor(child_);
}

void supervised::child_down(const caf::down_msg& down) {
  if (!child_ || down.source != child_)
    return;
  child_ = nullptr;
  if (stopping_)
    return quit(stop_reason_);
  auto now = std::chrono::steady_clock::now();
  while (!restarts_.empty() && restarts_.front() + limit_.within < now)
    restarts_.pop_front();
  if (restarts_.size() >= limit_.max_restarts)
    return quit(down.reason ? down.reason : caf::make_error(errc::internal, child_name_ + " ended"));
  restarts_.push_back(now);
  restarted_(child_name_, system().render(down.reason));
  start_child();
}

} // namespace mana
