#include "http/chat_request.hpp"

#include "infra/json/sensitive_json.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

namespace mana::http {

namespace {

constexpr std::size_t max_shown_name = 40;

std::optional<double> number_in(std::string_view token) {
  double x = 0;
  auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), x);
  return error == std::errc{} && end == token.data() + token.size() ? std::optional{x} : std::nullopt;
}

std::optional<chat_role> role_named(std::string_view name) {
  for (auto role : {chat_role::system, chat_role::user, chat_role::assistant})
    if (name == to_string(role))
      return role;
  return std::nullopt;
}

// The shape is fixed, so where the reader is follows from how deep it is: 1 the body, 2 messages, 3 a message.
class chat_reader final : public json::sensitive_reader {
public:
  explicit chat_reader(const chat_rules& rules) : rules_(rules) {}

  bool begin_object() override {
    if (depth_ == 0)
      return ++depth_ > 0;
    if (depth_ != 2)
      return wrong(field(), what_it_must_be());
    if (prompt_.messages.size() >= rules_.max_messages)
      return wrong("messages", "has more than " + std::to_string(rules_.max_messages) + " of them");
    ++depth_;
    prompt_.messages.emplace_back();
    has_role_ = has_content_ = false;
    return true;
  }

  bool end_object() override {
    --depth_;
    if (depth_ == 0)
      return has_messages_ || wrong("messages", "is missing");
    if (!has_role_)
      return wrong(message_name() + ".role", "is missing");
    return has_content_ || wrong(message_name() + ".content", "is missing");
  }

  bool begin_array() override {
    if (depth_ != 1 || key_ != "messages")
      return wrong(field(), what_it_must_be());
    has_messages_ = true;
    ++depth_;
    return true;
  }

  bool end_array() override {
    --depth_;
    return !prompt_.messages.empty() || wrong("messages", "must not be empty");
  }

  bool key(std::string_view name) override {
    key_.assign(name.substr(0, max_shown_name));
    bool known = depth_ == 1 ? name == "messages" || name == "temperature" || name == "max_tokens"
                             : name == "role" || name == "content";
    bool again = depth_ == 1 ? (name == "messages" && has_messages_) || (name == "temperature" && prompt_.temperature)
                                   || (name == "max_tokens" && prompt_.max_tokens)
                             : (name == "role" && has_role_) || (name == "content" && has_content_);
    if (!known)
      return wrong(field(), "is not known here");
    return !again || wrong(field(), "is there twice");
  }

  bool text(std::string_view s) override {
    if (depth_ != 3)
      return wrong(field(), what_it_must_be());
    auto& message = prompt_.messages.back();
    if (key_ == "role") {
      auto role = role_named(s);
      if (!role)
        return wrong(field(), "must be system, user or assistant");
      message.role = *role;
      return has_role_ = true;
    }
    if (s.empty())
      return wrong(field(), "must not be empty");
    message.content = sensitive_text{s};
    return has_content_ = true;
  }

  bool number(std::string_view token) override {
    if (depth_ != 1 || key_ == "messages")
      return wrong(field(), what_it_must_be());
    auto x = number_in(token);
    if (key_ == "temperature") {
      if (!x || *x < 0 || *x > rules_.max_temperature)
        return wrong(field(), "must be a number from 0 to 2");
      prompt_.temperature = *x;
      return true;
    }
    if (!x || *x < 1 || *x != std::floor(*x))
      return wrong(field(), "must be a whole number above 0");
    prompt_.max_tokens = static_cast<int>(std::min(*x, static_cast<double>(rules_.max_tokens)));
    return true;
  }

  bool other() override { return wrong(field(), what_it_must_be()); }

  const std::optional<failure>& problem() const { return problem_; }
  chat_prompt take() && { return std::move(prompt_); }

private:
  std::string message_name() const { return "messages[" + std::to_string(prompt_.messages.size() - 1) + "]"; }

  // Where the reader is. In the list itself, and not in one of its messages, it is before the next one.
  std::string field() const {
    if (depth_ == 0)
      return "the body";
    if (depth_ == 2)
      return "messages[" + std::to_string(prompt_.messages.size()) + "]";
    return depth_ == 1 ? key_ : message_name() + "." + key_;
  }

  const char* what_it_must_be() const {
    if (depth_ == 0 || depth_ == 2)
      return "must be an object";
    if (depth_ == 3)
      return "must be a text";
    return key_ == "messages" ? "must be a list" : "must be a number";
  }

  bool wrong(const std::string& where, const std::string& what) {
    if (!problem_)
      problem_ = failure{errc::bad_request, where + ": " + what};
    return false;
  }

  const chat_rules& rules_;
  chat_prompt prompt_;
  std::optional<failure> problem_;
  int depth_ = 0;
  std::string key_;
  bool has_messages_ = false;
  bool has_role_ = false;
  bool has_content_ = false;
};

void write_usage(json::sensitive_writer& out, const chat_answer& answer) {
  auto count = [&](const char* name, std::int64_t n) {
    out.key(name);
    out.number({std::to_string(n)});
  };
  out.key("usage");
  out.begin_object();
  count("prompt_tokens", answer.prompt_tokens);
  count("completion_tokens", answer.completion_tokens);
  count("total_tokens", answer.prompt_tokens + answer.completion_tokens);
  out.end_object();
}

} // namespace

result<std::shared_ptr<const chat_prompt>> take_chat_request(std::string& body, const chat_rules& rules) {
  sensitive_text document;
  bool fits = body.size() <= rules.max_body_bytes;
  if (fits) {
    document.reserve(body.size() + 1);
    document.append(body);
  }
  cleanse(body.data(), body.size());
  if (!fits)
    return failure{errc::limit_exceeded,
                   "the body is larger than " + std::to_string(rules.max_body_bytes / 1024) + " KiB"};
  chat_reader reader{rules};
  bool read = json::read_in_place(document, reader);
  if (reader.problem())
    return *reader.problem();
  if (!read)
    return failure{errc::bad_request, "the body is not JSON"};
  return std::make_shared<const chat_prompt>(std::move(reader).take());
}

sensitive_text take_chat_answer(chat_answer& answer) {
  json::sensitive_writer out{answer.content.size() + 256};
  out.begin_object();
  out.key("choices");
  out.begin_array();
  out.begin_object();
  out.key("index");
  out.number({"0"});
  out.key("message");
  out.begin_object();
  out.key("role");
  out.text("assistant");
  out.key("content");
  out.text(answer.content);
  out.end_object();
  out.key("finish_reason");
  out.text("stop");
  out.end_object();
  out.end_array();
  if (answer.prompt_tokens > 0 || answer.completion_tokens > 0)
    write_usage(out, answer);
  out.end_object();
  cleanse(answer.content.data(), answer.content.size());
  return std::move(out).take();
}

} // namespace mana::http
