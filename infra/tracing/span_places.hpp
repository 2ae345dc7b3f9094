// span_places: how many spans may wait to be sent, wherever they are meanwhile. Whoever has a span gives its place back
// by letting it go. Thread-safe, never blocks.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

namespace mana::tracing {

class span_places {
public:
  explicit span_places(std::size_t places) : shared_(std::make_shared<shared>(places)) {}

  // nullptr: none is free.
  std::shared_ptr<const void> take() const {
    if (shared_->taken.fetch_add(1, std::memory_order_relaxed) < shared_->places)
      return {shared_.get(), [s = shared_](const void*) { s->taken.fetch_sub(1, std::memory_order_relaxed); }};
    shared_->taken.fetch_sub(1, std::memory_order_relaxed);
    return nullptr;
  }
  std::size_t taken() const noexcept { return shared_->taken.load(std::memory_order_relaxed); }

private:
  struct shared {
    explicit shared(std::size_t n) : places(n) {}
    const std::size_t places;
    std::atomic<std::size_t> taken{0};
  };
  std::shared_ptr<shared> shared_;
};

} // namespace mana::tracing
