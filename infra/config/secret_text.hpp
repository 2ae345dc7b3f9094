// A setting that must not be shown: URLs with passwords, keys. It cannot be streamed or formatted;
// reveal() marks the few places that use it.
#pragma once

#include <iosfwd>
#include <string>
#include <utility>

namespace mana::config {

class secret_text {
public:
  secret_text() = default;
  explicit secret_text(std::string text) : text_(std::move(text)) {}

  const std::string& reveal() const noexcept { return text_; }
  bool empty() const noexcept { return text_.empty(); }

  friend bool operator==(const secret_text&, const secret_text&) = default;
  friend std::ostream& operator<<(std::ostream&, const secret_text&) = delete;

private:
  std::string text_;
};

// Keys as PEM blocks: the one kind of setting that may span lines.
class pem_text : public secret_text {
public:
  using secret_text::secret_text;
};

} // namespace mana::config
