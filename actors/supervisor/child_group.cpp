#include "actors/supervisor/child_group.hpp"

#include "infra/log/log.hpp"

#include <unordered_map>

namespace mana {

namespace {

struct are_you_there {};

} // namespace

} // namespace mana

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::are_you_there)

namespace mana {

namespace {

caf::behavior watcher(caf::event_based_actor* self, const std::vector<std::pair<std::string, caf::actor>>& children,
                      const child_group::give_up& on_give_up) {
  std::unordered_map<caf::actor_id, std::string> names;
  for (auto& [name, child] : children) {
    names.emplace(child->id(), name);
    self->monitor(child);
  }
  self->set_default_handler(caf::drop);
  self->set_down_handler([names = std::move(names), on_give_up](const caf::down_msg& down) {
    if (down.reason != caf::exit_reason::user_shutdown)
      on_give_up(names.at(down.source.id()));
  });
  return {[](are_you_there) {}}; // an actor without a handler would end at once
}

} // namespace

void child_group::log_restart(const std::string& child, const std::string& reason) {
  log::error("actor_restarted", {{"actor", child}, {"reason", reason}});
}

void child_group::watch(give_up on_give_up) {
  watcher_ = system_.spawn(
      [this, f = std::move(on_give_up)](caf::event_based_actor* self) { return watcher(self, children_, f); });
  // The watcher has read children_ before anything else can change them.
  caf::scoped_actor self{system_};
  self->request(watcher_, caf::infinite, are_you_there{}).receive([] {}, [](const caf::error&) {});
}

void child_group::stop() {
  if (children_.empty())
    return;
  caf::scoped_actor self{system_};
  for (auto i = children_.rbegin(); i != children_.rend(); ++i) {
    self->send_exit(i->second, caf::exit_reason::user_shutdown);
    self->wait_for(i->second);
    i->second = nullptr;
  }
  children_.clear();
  if (!watcher_)
    return;
  self->send_exit(watcher_, caf::exit_reason::user_shutdown);
  self->wait_for(watcher_);
  watcher_ = nullptr;
}

} // namespace mana
