#include "actors/llm_client/adaptive_limit.hpp"

#include <algorithm>

namespace mana {

namespace {

constexpr double trouble_that_counts = 3;
constexpr double eased_per_success = 0.2;
constexpr std::size_t least_in_trouble = 4;

} // namespace

adaptive_limit::adaptive_limit(std::size_t most) : most_(most), limit_(most), known_good_(most), before_storm_(most) {}

adaptive_limit::permit adaptive_limit::take() {
  ++in_flight_;
  peak_ = std::max(peak_, in_flight_ - written_off_);
  return {period_};
}

void adaptive_limit::write_off() {
  written_off_ = in_flight_;
  written_off_before_ = ++period_;
}

bool adaptive_limit::give_back(permit p, limit_event what, bool may_explore) {
  bool in_use = (in_flight_ - written_off_) * 2 > limit_;
  --in_flight_;
  if (p.period < written_off_before_)
    --written_off_;
  if (p.period != period_)
    return false;
  switch (what) {
    case limit_event::success:
      works_ = true;
      trouble_ = std::max(0.0, trouble_ - eased_per_success);
      if (in_use)
        grow(may_explore);
      return false;
    case limit_event::refused: return decrease(what);
    case limit_event::trouble: return ++trouble_ >= trouble_that_counts && decrease(what);
    case limit_event::unrelated: break;
  }
  return false;
}

void adaptive_limit::grow(bool may_explore) {
  if (limit_ < known_good_) {
    ++limit_;
    return;
  }
  if (limit_ == most_ || ++round_ < limit_ || !may_explore)
    return;
  limit_ = std::min(most_, limit_ + step_);
  step_ *= 2;
  round_ = 0;
}

bool adaptive_limit::decrease(limit_event why) {
  bool nothing_gets_through = !works_;
  std::size_t least = why == limit_event::refused ? 1 : std::min(limit_, least_in_trouble);
  auto reached = std::min(limit_, peak_);
  if (nothing_gets_through) {
    known_good_ = std::max(known_good_, before_storm_);
    limit_ = least;
  } else {
    bool load_may_be_why = why == limit_event::refused || reached * 2 > limit_;
    before_storm_ = limit_;
    known_good_ = std::max<std::size_t>(1, (load_may_be_why ? reached : limit_) * 95 / 100);
    limit_ = std::max(least, reached / 2);
  }
  ++period_;
  peak_ = in_flight_ - written_off_;
  round_ = 0;
  step_ = 1;
  trouble_ = 0;
  works_ = false;
  return nothing_gets_through;
}

} // namespace mana
