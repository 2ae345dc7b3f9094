#include "infra/jwt/token.hpp"

#include "infra/crypto/base64.hpp"
#include "infra/json/value.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

namespace mana::jwt {

namespace {

constexpr std::string_view algorithm = "EdDSA";

failure refused(const char* why) { return {errc::unauthorized, why}; }

// Exactly three parts; a fourth, as an encrypted token has, is none of ours.
std::optional<std::array<std::string_view, 3>> split(std::string_view token) {
  auto first = token.find('.');
  auto second = first == token.npos ? token.npos : token.find('.', first + 1);
  if (second == token.npos || token.find('.', second + 1) != token.npos)
    return std::nullopt;
  return std::array{token.substr(0, first), token.substr(first + 1, second - first - 1), token.substr(second + 1)};
}

std::optional<std::string> decoded(std::string_view part) {
  auto bytes = crypto::from_base64url(part);
  if (!bytes)
    return std::nullopt;
  return std::string{bytes->begin(), bytes->end()};
}

// The names of the types that use this form; some issuers write none.
bool is_known_type(const json::value& typ) {
  auto* text = typ.as_string();
  if (text == nullptr)
    return false;
  std::string lower = *text;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return lower == "jwt" || lower == "at+jwt";
}

bool is_plain_text(std::string_view s, std::size_t max_bytes) {
  return !s.empty() && s.size() <= max_bytes
         && std::none_of(s.begin(), s.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

// The key id, when everything that the header says is something we do.
result<std::string> key_id_of(const std::string& header_text) {
  auto header = json::parse(header_text);
  if (!header || header->as_object() == nullptr)
    return refused("the token's header is not a JSON object");
  if (header->text("alg") != algorithm)
    return refused("the token's alg is not EdDSA");
  if (header->find("crit") != nullptr)
    return refused("the token's header has critical extensions");
  if (auto* typ = header->find("typ"); typ != nullptr && !is_known_type(*typ))
    return refused("the token's typ is not JWT");
  auto kid = header->text("kid");
  if (!is_plain_text(kid, max_kid_bytes))
    return refused("the token's kid is missing or not a text");
  return std::string{kid};
}

bool has_audience(const json::value& payload, const std::string& audience) {
  auto* aud = payload.find("aud");
  if (aud == nullptr)
    return false;
  if (auto* one = aud->as_string())
    return *one == audience;
  auto* list = aud->as_array();
  return list != nullptr && std::all_of(list->begin(), list->end(), [](auto& v) { return v.as_string() != nullptr; })
         && std::any_of(list->begin(), list->end(), [&](auto& v) { return *v.as_string() == audience; });
}

double seconds(std::chrono::milliseconds d) { return static_cast<double>(d.count()) / 1000; }

// Of a NumericDate: seconds, with or without a fraction. Beyond the year 9999 nothing is a date.
constexpr double latest_date = 253'402'300'800;
std::optional<double> date(const json::value& v) {
  auto d = v.as_double();
  return d && *d >= 0 && *d < latest_date ? d : std::nullopt;
}

// `what` may be absent, but must not lie in the future.
bool has_begun(const json::value& payload, const char* what, timestamp now) {
  auto* v = payload.find(what);
  if (v == nullptr)
    return true;
  auto begin = date(*v);
  return begin && *begin <= seconds(now.time_since_epoch() + issuer_clock_leeway);
}

result<claims> judged(const json::value& payload, const expectations& expected, timestamp now) {
  auto* iss = payload.find("iss");
  auto* issuer = iss == nullptr ? nullptr : iss->as_string();
  if (issuer == nullptr
      || std::find(expected.issuers.begin(), expected.issuers.end(), *issuer) == expected.issuers.end())
    return refused("the token's issuer is not accepted");
  if (!has_audience(payload, expected.audience))
    return refused("the token is for another audience");
  auto* exp = payload.find("exp");
  auto end = exp == nullptr ? std::nullopt : date(*exp);
  if (!end)
    return refused("the token's exp is missing or not a date");
  if (seconds(now.time_since_epoch()) >= *end)
    return refused("the token has expired");
  if (!has_begun(payload, "nbf", now))
    return refused("the token is not valid yet");
  if (!has_begun(payload, "iat", now))
    return refused("the token's iat is in the future or not a date");
  auto* sub = payload.find("sub");
  auto* subject = sub == nullptr ? nullptr : sub->as_string();
  if (subject == nullptr || !is_plain_text(*subject, max_subject_bytes))
    return refused("the token's sub is missing or not an identifier");
  return claims{*subject, timestamp{std::chrono::milliseconds{static_cast<std::int64_t>(std::floor(*end * 1000))}}};
}

std::string part_of(const json::value& v) { return crypto::to_base64url(crypto::as_bytes(json::to_text(v))); }

std::int64_t unix_seconds(timestamp t) {
  return std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count();
}

} // namespace

result<unverified_token> parse(std::string_view token) {
  if (token.size() > max_token_bytes)
    return refused("the token is too long");
  auto parts = split(token);
  if (!parts)
    return refused("the token does not have three parts");
  auto header = decoded((*parts)[0]);
  auto payload = decoded((*parts)[1]);
  auto signature = crypto::from_base64url((*parts)[2]);
  if (!header || !payload || !signature)
    return refused("the token is not base64url");
  auto kid = key_id_of(*header);
  if (!kid)
    return std::move(kid).error();
  unverified_token out;
  if (signature->size() != out.signature.size())
    return refused("the token's signature has the wrong length");
  std::copy(signature->begin(), signature->end(), out.signature.begin());
  out.kid = std::move(*kid);
  out.signed_part = token.substr(0, (*parts)[0].size() + 1 + (*parts)[1].size());
  out.payload = std::move(*payload);
  return out;
}

result<claims> verify(const unverified_token& token, const crypto::ed25519_public& key, const expectations& expected,
                      timestamp now) {
  if (!crypto::ed25519_verify(key, crypto::as_bytes(token.signed_part), token.signature))
    return refused("the token's signature does not hold");
  auto payload = json::parse(token.payload);
  if (!payload || payload->as_object() == nullptr)
    return refused("the token's payload is not a JSON object");
  return judged(*payload, expected, now);
}

result<claims> verify(std::string_view token, const key_lookup& keys, const expectations& expected, timestamp now) {
  auto parsed = parse(token);
  if (!parsed)
    return std::move(parsed).error();
  auto* key = keys(parsed->kid);
  if (key == nullptr)
    return refused("the token's key is not known");
  return verify(*parsed, *key, expected, now);
}

result<std::string> sign(const crypto::signing_key& key, const token_content& content) {
  auto text = part_of(json::object{{"alg", algorithm}, {"typ", "JWT"}, {"kid", key.key_id()}});
  text += '.';
  text += part_of(json::object{{"sub", content.subject},
                               {"iss", content.issuer},
                               {"aud", content.audience},
                               {"iat", unix_seconds(content.issued_at)},
                               {"nbf", unix_seconds(content.issued_at)},
                               {"exp", unix_seconds(content.expires_at)}});
  auto signature = key.sign(crypto::as_bytes(text));
  if (!signature)
    return failure{errc::internal, "a token could not be signed"};
  text += '.';
  return text += crypto::to_base64url(*signature);
}

} // namespace mana::jwt
