#include "tests/simulation/llm_model.hpp"

namespace mana::sim {

llm_reply llm_model::reply() {
  auto soon = random_.between(milliseconds{200}, milliseconds{6'000});
  auto r = random_.share();
  if ((r -= mood_.errors) < 0)
    return {soon, error()};
  if ((r -= mood_.hangs) < 0)
    return {milliseconds{60'000}, failure{errc::llm_timeout, ""}};
  return {soon, answer((r -= mood_.garbage) < 0)};
}

failure llm_model::error() {
  constexpr errc codes[] = {errc::llm_unreachable,    errc::llm_timeout,      errc::llm_refused,
                            errc::llm_failed,         errc::llm_overloaded,   errc::llm_circuit_open,
                            errc::llm_answer_invalid, errc::llm_rate_limited, errc::llm_retries_spent};
  auto code = codes[random_.below(std::size(codes))];
  bool says_when = code == errc::llm_rate_limited || code == errc::llm_circuit_open || code == errc::llm_retries_spent;
  return {code, says_when ? "retry_after=" + std::to_string(random_.between(1, 90)) : ""};
}

chat_answer llm_model::answer(bool garbage) {
  chat_answer out;
  out.http_calls = 1;
  out.prompt_tokens = random_.between(max_tokens_per_call / 3, max_tokens_per_call / 2);
  out.completion_tokens = random_.between(max_tokens_per_call / 3, max_tokens_per_call / 2);
  if (garbage)
    out.content = random_.chance(0.5) ? "Gerne!" : R"({"summary":"x","steps":[{"summary":"y","toolName":"rm"}]})";
  else if (random_.chance(0.6)) // nothing for the user to review: the next slot follows
    out.content = R"({"summary":"Nichts zu tun","steps":[]})";
  else
    out.content = R"({"summary":"Plan","steps":[{"summary":"Anrufen","toolName":"create_task",)"
                  R"("params":{"title":"Anrufen"},"rationale":"Es ist Zeit."}]})";
  return out;
}

} // namespace mana::sim
