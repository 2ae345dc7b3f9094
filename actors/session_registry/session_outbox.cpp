#include "actors/session_registry/session_outbox.hpp"

#include <algorithm>

namespace mana {

void session_outbox::add(std::string_view app, const std::vector<std::string>& tables) {
  if (closed_)
    return;
  auto waits = [&](std::string_view name) {
    return std::find_if(waiting_.begin(), waiting_.end(), [&](auto& w) { return w.app == name; });
  };
  if (waits(every_app) == waiting_.end()) {
    auto i = waits(app);
    if (app == every_app || (i == waiting_.end() && waiting_.size() >= max_apps)) {
      waiting_.clear();
      waiting_.push_back({std::string{every_app}, {}, true});
    } else {
      if (i == waiting_.end())
        i = waiting_.insert(i, {std::string{app}, {}, false});
      i->tables.insert(tables.begin(), tables.end());
      i->any_table = i->any_table || tables.empty() || i->tables.size() > max_tables;
      if (i->any_table)
        i->tables.clear();
    }
  }
  wake_();
}

void session_outbox::close() {
  closed_ = true;
  wake_();
}

std::optional<session_outbox::item> session_outbox::take() {
  if (waiting_.empty())
    return std::nullopt;
  auto first = std::move(waiting_.front());
  waiting_.pop_front();
  return item{std::move(first.app), {first.tables.begin(), first.tables.end()}};
}

} // namespace mana
