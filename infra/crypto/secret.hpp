// A key: fixed size, in OpenSSL's secure heap (locked, out of core dumps), move-only. Moving moves the
// pointer, never the bytes. Without init_secure_heap() (process_memory.hpp) it is on the ordinary heap,
// still cleansed.
#pragma once

#include "messages/sensitive_text.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mana::crypto {

using byte_view = std::span<const unsigned char>;
using bytes = std::vector<unsigned char>; // nothing secret

inline byte_view as_bytes(std::string_view s) { return {reinterpret_cast<const unsigned char*>(s.data()), s.size()}; }

class secret {
public:
  secret() = default;
  // Zeroed. nullopt when the secure heap is full: a limit on concurrent owners, not a defect.
  static std::optional<secret> make(std::size_t size);
  static std::optional<secret> copy_of(byte_view source);
  secret(secret&& o) noexcept : data_(std::exchange(o.data_, nullptr)), size_(std::exchange(o.size_, 0)) {}
  secret& operator=(secret&& o) noexcept {
    std::swap(data_, o.data_);
    std::swap(size_, o.size_);
    return *this;
  }
  secret(const secret&) = delete;
  secret& operator=(const secret&) = delete;
  ~secret();

  unsigned char* data() noexcept { return data_; }
  const unsigned char* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  byte_view view() const noexcept { return {data_, size_}; }
  explicit operator bool() const noexcept { return data_ != nullptr; }

private:
  secret(unsigned char* data, std::size_t size) : data_(data), size_(size) {}
  unsigned char* data_ = nullptr;
  std::size_t size_ = 0;
};

} // namespace mana::crypto
