#include "actors/mission/iteration.hpp"

#include "actors/mission/list_retention.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <stdexcept>

namespace mana {

namespace {

// The UUID namespace (RFC 4122, section 4.3) of iteration ids; changing it would repeat every slot.
constexpr std::string_view uuid_namespace = "\x6f\x0d\x1a\x52\x9b\x3c\x4e\x77\xa8\x21\x5d\xc4\x90\x3e\xb7\x16";

void append_big_endian(std::string& out, std::uint64_t n, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    out += static_cast<char>(n >> shift & 0xff);
}

void append_framed(std::string& out, std::string_view s) {
  append_big_endian(out, s.size(), 8);
  out += s;
}

std::string without_nul(std::string_view s) {
  std::string out;
  for (char c : s)
    c == '\0' ? out += "\xEF\xBF\xBD" : out += c;
  return out;
}

json::value storable(const json::value& v) {
  if (auto* s = v.as_string())
    return without_nul(*s);
  if (auto* a = v.as_array()) {
    json::array out;
    for (auto& element : *a)
      out.push_back(storable(element));
    return out;
  }
  if (auto* o = v.as_object()) {
    json::object out;
    for (auto& [key, member] : *o)
      out.set(without_nul(key), storable(member));
    return out;
  }
  return v;
}

json::value step_of(std::string id, const plan_step& step) {
  json::object intent{
      {"kind", "toolCall"}, {"toolName", without_nul(step.tool_name)}, {"params", storable(step.params)}};
  return json::object{{"id", std::move(id)},
                      {"summary", without_nul(step.summary)},
                      {"intent", std::move(intent)},
                      {"status", "planned"},
                      {"rationale", without_nul(step.rationale)}};
}

json::value iteration_of(std::string_view id, json::array steps, std::string_view summary, const char* status) {
  return json::object{{"id", id},
                      {"plan", std::move(steps)},
                      {"summary", without_nul(summary)},
                      {"overallStatus", status},
                      {"source", "server"}};
}

} // namespace

std::string iteration_id_of(const mission_key& key, timestamp slot) {
  std::string name{uuid_namespace};
  append_framed(name, key.user.value);
  append_framed(name, key.mission.value);
  append_big_endian(name, static_cast<std::uint64_t>(slot.time_since_epoch().count()), 8);
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  if (EVP_Digest(name.data(), name.size(), hash.data(), nullptr, EVP_sha1(), nullptr) != 1)
    throw std::runtime_error{"OpenSSL offers no SHA-1"};
  hash[6] = static_cast<unsigned char>((hash[6] & 0x0f) | 0x50);
  hash[8] = static_cast<unsigned char>((hash[8] & 0x3f) | 0x80);
  std::string out;
  for (std::size_t i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10)
      out += '-';
    out += "0123456789abcdef"[hash[i] >> 4];
    out += "0123456789abcdef"[hash[i] & 0x0f];
  }
  return out;
}

bool has_iteration(const mission& m, std::string_view id) {
  return std::any_of(m.iterations.begin(), m.iterations.end(), [&](auto& i) { return i.text("id") == id; });
}

json::value planned_iteration(std::string_view id, const plan& p) {
  json::array steps;
  for (auto& step : p.steps)
    steps.push_back(step_of(std::string{id} + "-" + std::to_string(steps.size()), step));
  auto* status = p.steps.empty() ? "approved" : "awaiting-review";
  return iteration_of(id, std::move(steps), p.summary, status);
}

json::value failed_iteration(std::string_view id, std::string_view summary) {
  return iteration_of(id, {}, summary, "failed");
}

json::value finished_at(json::value iteration, timestamp now) {
  auto* fields = iteration.as_object();
  if (fields == nullptr)
    return iteration;
  json::object out;
  if (auto* id = fields->find("id"))
    out.set("id", *id);
  out.set("startedAt", to_iso(now));
  out.set("finishedAt", to_iso(now));
  for (auto& [key, v] : *fields)
    if (out.find(key) == nullptr)
      out.set(key, std::move(v));
  return out;
}

write_back make_write_back(const merged_record& fresh, const json::value& iteration, timestamp now,
                           std::optional<timestamp> next_run_at) {
  json::array iterations;
  if (auto* known = fresh.fields().find("iterations"); known != nullptr && known->as_array() != nullptr)
    iterations = *known->as_array();
  auto id = iteration.text("id");
  std::erase_if(iterations, [&](auto& i) { return i.text("id") == id; });
  take_expired(iterations, kept_iterations - 1);
  iterations.push_back(iteration);

  auto stamp = [&](std::string_view field) {
    auto* known = fresh.stamp(field);
    return known == nullptr ? to_iso(now) : std::max(to_iso(now), *known);
  };
  write_back out;
  out.data = json::object{{"iterations", std::move(iterations)},
                          {"updatedAt", to_iso(now)},
                          {"nextRunAt", next_run_at ? json::value{to_iso(*next_run_at)} : json::value{}}};
  out.field_timestamps = json::object{
      {"iterations", stamp("iterations")}, {"updatedAt", stamp("updatedAt")}, {"nextRunAt", stamp("nextRunAt")}};
  return out;
}

} // namespace mana
