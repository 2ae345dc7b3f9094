#include "http/vault_routes.hpp"

#include "http/server/error_response.hpp"
#include "infra/io/ask.hpp"

#include <algorithm>

// g++ 12 inlines only the allocating half of Boost's coroutine frames and then sees a mismatch.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

namespace mana::http {

using boost::asio::awaitable;

namespace {

constexpr const char* blanks = " \t\r\n";

json::value iso_or_null(const std::optional<timestamp>& t) { return t ? json::value{to_iso(*t)} : json::value{}; }

json::value text_or_null(const std::string& s) { return s.empty() ? json::value{} : json::value{s}; }

// Base64 needs no escapes, so the JSON can be written around the keys.
struct named_key {
  std::string_view name;
  const sensitive_text& key;
};
response key_response(unsigned status, std::initializer_list<named_key> keys) {
  response out;
  out.status = status;
  out.secret_body.reserve(keys.size() * 80);
  std::string_view separator = "{\"";
  for (auto& k : keys) {
    out.secret_body.append(separator).append(k.name).append("\":\"").append(k.key.view()).append("\"");
    separator = ",\"";
  }
  out.secret_body.append("}");
  return out;
}

// Where the string value of a member begins, behind its quote.
std::size_t value_of_member(std::string_view text, std::string_view name) {
  auto quoted = '"' + std::string{name} + '"';
  for (auto at = text.find(quoted); at != text.npos; at = text.find(quoted, at + 1)) {
    auto colon = text.find_first_not_of(blanks, at + quoted.size());
    if (colon == text.npos || text[colon] != ':')
      continue;
    auto quote = text.find_first_not_of(blanks, colon + 1);
    if (quote != text.npos && text[quote] == '"')
      return quote + 1;
  }
  return text.npos;
}

template <class Answer, class Handle, class Question>
awaitable<response> changed(auth_front_ptr f, Handle receiver, Question question) {
  auto answer = co_await ask<Answer>(*f->system, receiver, auth_actor_timeout, question);
  co_return answer ? no_content() : error_response(answer.error());
}

awaitable<response> status(auth_front_ptr f, user_id user, request) {
  get_vault_status question{std::move(user)};
  auto handles = f->handles();
  auto s = co_await ask<vault_status>(*f->system, handles.vault, auth_actor_timeout, question);
  if (!s)
    co_return error_response(s.error());
  json::object body{{"initialised", s->initialised},           {"zeroKnowledge", s->zero_knowledge},
                    {"hasRecoveryWrap", s->has_recovery_wrap}, {"kekId", text_or_null(s->kek_id)},
                    {"createdAt", iso_or_null(s->created_at)}, {"rotatedAt", iso_or_null(s->rotated_at)}};
  co_return json_response(200, json::to_text(std::move(body)));
}

awaitable<response> init(auth_front_ptr f, user_id user, request) {
  init_vault question{std::move(user)};
  auto handles = f->handles();
  auto vault = co_await ask<new_vault>(*f->system, handles.vault, auth_actor_timeout, question);
  co_return vault ? key_response(201, {{"masterKey", vault->master_key}}) : error_response(vault.error());
}

awaitable<response> key(auth_front_ptr f, user_id user, request) {
  read_vault_key question{std::move(user)};
  auto handles = f->handles();
  auto k = co_await ask<vault_key>(*f->system, handles.vault, auth_actor_timeout, question);
  if (!k)
    co_return error_response(k.error());
  if (!k->recovery)
    co_return key_response(200, {{"masterKey", k->master_key}});
  json::object body{
      {"requiresRecoveryCode", true}, {"recoveryWrappedMk", k->recovery->wrapped_key}, {"recoveryIv", k->recovery->iv}};
  co_return json_response(200, json::to_text(std::move(body)));
}

awaitable<response> rotate(auth_front_ptr f, user_id user, request) {
  rotate_vault question{std::move(user)};
  auto handles = f->handles();
  auto r = co_await ask<rotated_vault>(*f->system, handles.vault, auth_actor_timeout, question);
  co_return r ? key_response(200, {{"masterKey", r->master_key}, {"previousMasterKey", r->previous_master_key}})
              : error_response(r.error());
}

awaitable<response> set_recovery(auth_front_ptr f, user_id user, request req) {
  auto body = object_body(req);
  if (!body)
    co_return error_response(body.error());
  set_recovery_wrap question;
  question.user = std::move(user);
  for (auto [name, into] :
       {std::pair{"recoveryWrappedMk", &question.wrap.wrapped_key}, std::pair{"recoveryIv", &question.wrap.iv}}) {
    auto* member = body->find(name);
    if (member == nullptr || member->as_string() == nullptr)
      co_return error_response(failure{errc::bad_request, std::string{name} + ": must be a string"});
    *into = *member->as_string();
  }
  auto handles = f->handles();
  co_return co_await changed<vault_changed>(f, handles.vault, std::move(question));
}

awaitable<response> remove_recovery(auth_front_ptr f, user_id user, request) {
  remove_recovery_wrap question{std::move(user)};
  auto handles = f->handles();
  co_return co_await changed<vault_changed>(f, handles.vault, std::move(question));
}

awaitable<response> set_zero_knowledge(auth_front_ptr f, user_id user, request req) {
  auto master_key = take_key(req.body, "masterKey");
  auto body = object_body(req);
  if (!body)
    co_return error_response(body.error());
  auto* member = body->find("enable");
  auto* enable = member == nullptr ? nullptr : member->as_bool();
  if (enable == nullptr)
    co_return error_response(failure{errc::bad_request, "enable: must be true or false"});
  auto handles = f->handles();
  if (*enable) {
    enable_zero_knowledge question{std::move(user)};
    co_return co_await changed<vault_changed>(f, handles.vault, std::move(question));
  }
  // Not blank: take_key() took another member, one further in.
  auto left_behind = body->text("masterKey");
  if (!master_key || left_behind.empty() || left_behind.find_first_not_of(' ') != left_behind.npos)
    co_return error_response(failure{errc::bad_request, "masterKey: must be a base64 string"});
  disable_zero_knowledge question{std::move(user), std::move(*master_key)};
  co_return co_await changed<vault_changed>(f, handles.vault, std::move(question));
}

} // namespace

std::optional<sensitive_text> take_key(std::string& body, std::string_view name) {
  auto begin = value_of_member(body, name);
  auto end = begin == body.npos ? body.npos : body.find('"', begin);
  if (end == body.npos)
    return std::nullopt;
  sensitive_text out;
  out.reserve(end - begin);
  bool plain = true;
  for (auto at = begin; at < end; ++at) {
    bool escaped_slash = body[at] == '\\' && body[at + 1] == '/';
    plain = plain && (body[at] != '\\' || escaped_slash);
    if (!escaped_slash)
      out.append({&body[at], 1});
  }
  std::fill(body.begin() + static_cast<std::ptrdiff_t>(begin), body.begin() + static_cast<std::ptrdiff_t>(end), ' ');
  if (!plain)
    return std::nullopt;
  return out;
}

void add_vault_routes(router& r, auth_front_ptr front) {
  const std::string vault = "/api/v1/me/encryption-vault";
  r.add("GET", vault + "/status", for_user(front, status));
  r.add("POST", vault + "/init", for_user(front, init));
  r.add("GET", vault + "/key", for_user(front, key));
  r.add("POST", vault + "/rotate", for_user(front, rotate));
  r.add("POST", vault + "/recovery-wrap", for_user(front, set_recovery));
  r.add("DELETE", vault + "/recovery-wrap", for_user(front, remove_recovery));
  r.add("POST", vault + "/zero-knowledge", for_user(front, set_zero_knowledge));
}

} // namespace mana::http
