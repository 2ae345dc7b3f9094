// The language model of a simulated world, seen through the llm_client's protocol: the client's own retries, deadlines
// and limits have happened already.
#pragma once

#include "messages/llm_client.hpp"
#include "messages/result.hpp"
#include "tests/simulation/rules.hpp"
#include "tests/simulation/seeded_random.hpp"

#include <cstdint>

namespace mana::sim {

// Shares of calls. What is not named ends in a plan.
struct llm_mood {
  double errors = 0;  // any code of the client's
  double hangs = 0;   // llm_timeout after a minute
  double garbage = 0; // an answer that is no plan
};

struct llm_reply {
  milliseconds after{0};
  result<chat_answer> answer;
};

class llm_model {
public:
  explicit llm_model(std::uint64_t seed) : random_(seed) {}

  void set_mood(const llm_mood& mood) { mood_ = mood; }
  llm_reply reply();

private:
  chat_answer answer(bool garbage);
  failure error();

  seeded_random random_;
  llm_mood mood_;
};

} // namespace mana::sim
