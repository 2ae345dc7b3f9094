// Which troubles of a row are worth a log line: the first one, every one that says something new, and
// a reminder while it lasts. Several reasons that take turns are said once each. A database that is away for an hour
// takes some lines, not thousands.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace mana::log {

class trouble_tracker {
public:
  using time_point = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::seconds remind_after{60};
  static constexpr std::size_t max_texts = 8; // for one trouble until the next reminder

  // What ended: how often it happened and for how long it lasted.
  struct ended_trouble {
    std::size_t times = 0;
    std::chrono::milliseconds lasted{0};
  };

  // `what` names the thing that fails, `text` says why. Returns how many were left out since the last
  // line; nullopt: leave this one out, too.
  std::optional<std::size_t> happened(std::string_view what, std::string_view text, time_point now);

  // `what` works (again); nullopt: it was in no trouble.
  std::optional<ended_trouble> ended(std::string_view what, time_point now);

private:
  struct trouble {
    std::set<std::string, std::less<>> texts; // written since the last reminder
    time_point since;
    time_point reminded;
    std::size_t times = 0;
    std::size_t left_out = 0;
  };
  std::map<std::string, trouble, std::less<>> known_;
};

} // namespace mana::log
