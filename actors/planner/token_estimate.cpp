#include "actors/planner/token_estimate.hpp"

#include <algorithm>

namespace mana {

namespace {

constexpr std::size_t bytes_per_token = 4;
constexpr std::int64_t most_believed = 100'000'000; // of what an endpoint reports for one call

} // namespace

std::int64_t tokens_used(const chat_answer& answer, std::size_t prompt_bytes) noexcept {
  auto reported = std::clamp<std::int64_t>(answer.prompt_tokens, 0, most_believed)
                  + std::clamp<std::int64_t>(answer.completion_tokens, 0, most_believed);
  if (reported > 0)
    return reported;
  return estimated_tokens(prompt_bytes + answer.content.size());
}

std::int64_t estimated_tokens(std::size_t bytes) noexcept {
  return static_cast<std::int64_t>((bytes + bytes_per_token - 1) / bytes_per_token);
}

} // namespace mana
