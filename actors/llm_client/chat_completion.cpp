#include "actors/llm_client/chat_completion.hpp"

#include "infra/json/sensitive_json.hpp"
#include "infra/json/value.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace mana {

namespace {

json::number number_of(double x) {
  std::array<char, 32> text{};
  auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), std::isfinite(x) ? x : 0.0);
  return {error == std::errc{} ? std::string{text.data(), end} : "0"};
}

void append_message(json::sensitive_writer& out, std::string_view role, std::string_view content) {
  out.begin_object();
  out.key("role");
  out.text(role);
  out.key("content");
  out.text(content);
  out.end_object();
}

std::int64_t tokens(const json::value& answer, std::string_view name) {
  const auto* usage = answer.find("usage");
  const auto* n = usage != nullptr ? usage->find(name) : nullptr;
  return n != nullptr ? n->as_integer().value_or(0) : 0;
}

failure invalid(const char* what) { return {errc::llm_answer_invalid, what}; }

} // namespace

sensitive_text completion_request(const chat_options& options, const chat_prompt& prompt) {
  json::sensitive_writer out{prompt.size() + 512};
  out.begin_object();
  out.key("model");
  out.text(options.model);
  out.key("temperature");
  out.number(number_of(prompt.temperature.value_or(options.temperature)));
  out.key("max_tokens");
  out.number({std::to_string(prompt.max_tokens.value_or(options.max_tokens))});
  out.key("messages");
  out.begin_array();
  for (auto& m : prompt.messages)
    append_message(out, to_string(m.role), m.content.view());
  out.end_array();
  if (options.json_response_format) {
    out.key("response_format");
    out.begin_object();
    out.key("type");
    out.text("json_object");
    out.end_object();
  }
  out.end_object();
  return std::move(out).take();
}

result<completion> parse_completion(std::string_view body) {
  auto answer = json::parse(body);
  if (!answer)
    return invalid("the answer is no JSON document");
  const auto* choices = answer->find("choices");
  const auto* list = choices != nullptr ? choices->as_array() : nullptr;
  if (list == nullptr || list->empty())
    return invalid("choices: missing or empty");
  const auto* reply = list->front().find("message");
  const auto* content = reply != nullptr ? reply->find("content") : nullptr;
  if (content == nullptr || content->as_string() == nullptr)
    return invalid("choices[0].message.content: missing or no string");
  return completion{*content->as_string(), tokens(*answer, "prompt_tokens"), tokens(*answer, "completion_tokens")};
}

std::string completion_path(std::string_view base) {
  bool versioned = base == "/v1" || base.ends_with("/v1");
  return versioned ? "/chat/completions" : "/v1/chat/completions";
}

} // namespace mana
