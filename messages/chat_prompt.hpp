// chat_prompt: what a language model is asked. It may hold decrypted text, so it is shared, never changed after
// sending, and cleansed when the last holder lets go.
#pragma once

#include "messages/sensitive_text.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace mana {

enum class chat_role : std::uint8_t { system, user, assistant };

constexpr std::string_view to_string(chat_role r) noexcept {
  return r == chat_role::system ? "system" : r == chat_role::user ? "user" : "assistant";
}

struct chat_message {
  chat_role role = chat_role::user;
  sensitive_text content;
};

struct chat_prompt {
  std::vector<chat_message> messages;
  std::optional<double> temperature{}; // nullopt, here and below: as the client is configured
  std::optional<int> max_tokens{};

  chat_prompt() = default;
  chat_prompt(sensitive_text system, sensitive_text user) {
    messages.push_back({chat_role::system, std::move(system)});
    messages.push_back({chat_role::user, std::move(user)});
  }

  // Bytes of text.
  std::size_t size() const noexcept {
    std::size_t sum = 0;
    for (auto& m : messages)
      sum += m.content.size();
    return sum;
  }
};

} // namespace mana
