// batch_size: how many entries of the dirty queue a refresh takes. Pure.
//
// The transaction of a refresh locks the users of its entries, and until it ends none of their missions is claimed and
// none of their runs comes to its end. On a machine that is too busy a large batch would hold up everybody for seconds,
// and what piles up meanwhile would make the next one larger. So the size follows the time that batches take: halved
// after a slow one, doubled after a full one that was quick.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace mana {

class batch_size {
public:
  static constexpr std::chrono::milliseconds quick{100};
  static constexpr std::chrono::milliseconds slow{250};
  static constexpr std::size_t least = 16; // unless `most` is less

  explicit batch_size(std::size_t most) : most_(most), size_(most) {}

  std::size_t get() const { return size_; }

  // A batch of so many entries, asked for when the size was `of`, took `time`. What was asked for at another size than
  // the present one teaches nothing: several are under way at once, and each slow moment counts once.
  void took(std::size_t entries, std::size_t of, std::chrono::nanoseconds time) {
    if (of != size_)
      return;
    if (time > slow)
      halve(entries);
    else if (time < quick && entries >= size_)
      size_ = std::min(size_ * 2, most_);
  }

  // A batch that a limit of time ended.
  void timed_out(std::size_t of) {
    if (of == size_)
      halve(of);
  }

private:
  void halve(std::size_t entries) { size_ = std::clamp(std::min(entries, size_) / 2, std::min(least, most_), most_); }

  std::size_t most_;
  std::size_t size_;
};

} // namespace mana
