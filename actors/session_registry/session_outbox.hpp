// session_outbox: what a WebSocket is still to be told. Coalesced, so that a client that reads slowly or
// not at all costs the same memory as any other: of many changes of one table one message remains, of too
// many tables "any of this app", of too many apps "everything". Pure, and used on one thread.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mana {

class session_outbox {
public:
  static constexpr std::size_t max_apps = 32;
  static constexpr std::size_t max_tables = 64;
  static constexpr std::string_view every_app = "*";

  // `wake` is called when there is something to take, or the outbox was closed.
  explicit session_outbox(std::function<void()> wake) : wake_(std::move(wake)) {}

  // No tables: any of the app; app "*": everything.
  void add(std::string_view app, const std::vector<std::string>& tables);
  // Nothing comes any more: whoever fills the outbox is gone.
  void close();
  bool is_closed() const noexcept { return closed_; }

  struct item {
    std::string app;
    std::vector<std::string> tables; // in order; none: any
    friend bool operator==(const item&, const item&) = default;
  };
  // The app that waits longest.
  std::optional<item> take();

private:
  struct waiting {
    std::string app;
    std::set<std::string> tables;
    bool any_table = false;
  };

  std::function<void()> wake_;
  std::deque<waiting> waiting_;
  bool closed_ = false;
};

} // namespace mana
