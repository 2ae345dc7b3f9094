// How many tokens LLM calls take: as reported, or estimated at four bytes each.
#pragma once

#include "messages/llm_client.hpp"

#include <cstddef>
#include <cstdint>

namespace mana {

// What a claim reserves for the prompt of a run, beside the longest answer: 40 kB, twice what a mission's own text and
// history come to at their limits (prompt.hpp). A longer prompt is charged in full when the run ends.
inline constexpr std::int64_t reserved_prompt_tokens = 10'000;

// `usage` as the endpoint reports it; where it reports none, the estimate for the prompt and the answer. A call that
// was not answered counts nothing.
std::int64_t tokens_used(const chat_answer& answer, std::size_t prompt_bytes) noexcept;

// Of a text of so many bytes.
std::int64_t estimated_tokens(std::size_t bytes) noexcept;

} // namespace mana
