// A value or a failure. (std::expected is C++23; caf::expected would tie pure logic to CAF.)
#pragma once

#include "messages/errors.hpp"

#include <cassert>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace mana {

// Why something failed: the code decides what happens next, the detail is for a person and never
// holds a secret, decrypted text, a prompt or a model's answer.
struct failure {
  errc code = errc::internal;
  std::string detail;
  friend bool operator==(const failure&, const failure&) = default;
};

template <class T>
class [[nodiscard]] result {
public:
  result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
  result(failure f) : content_(std::in_place_index<1>, std::move(f)) {}

  explicit operator bool() const noexcept { return content_.index() == 0; }

  T& operator*() & { return checked(); }
  const T& operator*() const& { return const_cast<result*>(this)->checked(); }
  T&& operator*() && { return std::move(checked()); }
  T* operator->() { return &checked(); }
  const T* operator->() const { return &const_cast<result*>(this)->checked(); }

  const failure& error() const& {
    assert(content_.index() == 1);
    return *std::get_if<1>(&content_);
  }
  failure&& error() && {
    assert(content_.index() == 1);
    return std::move(*std::get_if<1>(&content_));
  }

private:
  T& checked() {
    assert(content_.index() == 0);
    return *std::get_if<0>(&content_);
  }
  std::variant<T, failure> content_;
};

} // namespace mana
