// Decrypted text, and what is built from it: a growing buffer on the ordinary heap that is
// overwritten whenever memory is given back, also when it grows.
//
// The build option MANA_CLEANSE=OFF switches the overwriting off. It exists for the one test that
// shows that the memory scan finds what is not cleansed.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

namespace mana {

// Overwrites in a way that the compiler keeps.
void cleanse(void* data, std::size_t size) noexcept;

// std::vector's allocator for sensitive_text. (A std::string would keep short texts inside itself,
// where no allocator sees them.)
template <class T>
struct cleansing_allocator {
  using value_type = T;
  cleansing_allocator() = default;
  template <class U>
  cleansing_allocator(const cleansing_allocator<U>&) noexcept {}
  T* allocate(std::size_t n) { return std::allocator<T>{}.allocate(n); }
  void deallocate(T* p, std::size_t n) noexcept {
    cleanse(p, n * sizeof(T));
    std::allocator<T>{}.deallocate(p, n);
  }
  friend bool operator==(const cleansing_allocator&, const cleansing_allocator&) = default;
};

class sensitive_text {
public:
  sensitive_text() = default;
  explicit sensitive_text(std::string_view s) { append(s); }

  sensitive_text& append(std::string_view s) {
    buffer_.insert(buffer_.end(), s.begin(), s.end());
    return *this;
  }
  void reserve(std::size_t n) { buffer_.reserve(n); }
  // The bytes cut off are cleansed with the buffer, not before.
  void resize(std::size_t n) { buffer_.resize(n); }
  char* data() noexcept { return buffer_.data(); }
  const char* data() const noexcept { return buffer_.data(); }
  std::size_t size() const noexcept { return buffer_.size(); }
  bool empty() const noexcept { return buffer_.empty(); }
  std::string_view view() const noexcept { return {buffer_.data(), buffer_.size()}; }
  friend bool operator==(const sensitive_text& a, const sensitive_text& b) { return a.view() == b.view(); }

private:
  std::vector<char, cleansing_allocator<char>> buffer_;
};

} // namespace mana
