#include "actors/audit_chain/audit_chain.hpp"

#include "infra/crypto/base64.hpp"
#include "infra/crypto/framing.hpp"

namespace mana {

namespace {

using crypto::append_count;
using crypto::append_framed;
using crypto::append_raw;
using crypto::bytes;

void append_optional(bytes& out, const std::optional<std::string>& text) {
  if (text)
    append_framed(out, *text);
  else
    append_count(out, 0xFFFFFFFF);
}

constexpr std::int64_t us_per_ms = 1000;

} // namespace

std::string audit_time_text(const audit_row& row) {
  if (!row.at_us)
    return {};
  auto text = to_iso(timestamp{std::chrono::floor<std::chrono::milliseconds>(std::chrono::microseconds{*row.at_us})});
  auto finer = *row.at_us % us_per_ms;
  return finer == 0 ? text : text + '+' + std::to_string(finer);
}

bytes canonical_audit_row(const audit_row& row, const crypto::digest& previous) {
  bytes out;
  append_raw(out, "mana-ai-audit:v1");
  append_framed(out, row.user.value);
  append_framed(out, std::to_string(row.position));
  append_framed(out, audit_time_text(row));
  append_framed(out, row.mission.value);
  append_optional(out, row.iteration_id);
  append_framed(out, row.table);
  append_framed(out, row.record);
  append_framed(out, row.status);
  append_optional(out, row.reason);
  out.insert(out.end(), previous.begin(), previous.end());
  return out;
}

bytes canonical_audit_head(const user_id& user, const audit_head& head) {
  bytes out;
  append_raw(out, "mana-ai-audit-head:v1");
  append_framed(out, user.value);
  append_framed(out, std::to_string(head.position));
  append_framed(out, head.hash);
  append_framed(out, to_iso(head.at));
  return out;
}

void chain_check::resume_after(std::int64_t position, const crypto::digest& hash) {
  anchor_ = audit_anchor{position, crypto::to_hex(hash)};
  position_ = position;
  hash_ = hash;
}

void chain_check::reject(const audit_row& row, std::string problem) {
  if (!first_bad_)
    first_bad_ = bad_audit_row{row.position, row.id, std::move(problem)};
}

std::string chain_check::problem_of(const audit_row& row, const crypto::digest& hash) const {
  if (row.position != position_ + 1)
    return "the row at position " + std::to_string(position_ + 1) + " is missing before it";
  if (row.previous_hash != crypto::to_hex(hash_))
    return "it does not continue the row before it: one of the two is not what was written";
  if (row.hash != crypto::to_hex(hash))
    return "its content does not match its hash";
  return {};
}

bool chain_check::accept(const audit_row& row) {
  if (first_bad_)
    return false;
  auto hash = crypto::sha256(canonical_audit_row(row, hash_));
  auto problem = problem_of(row, hash);
  if (!problem.empty()) {
    reject(row, std::move(problem));
    return false;
  }
  position_ = row.position;
  hash_ = hash;
  return true;
}

audit_verdict chain_check::verdict() const {
  auto removed = anchor_ ? anchor_->position : 0;
  return {position_ - removed, position_, crypto::to_hex(hash_), first_bad_, anchor_};
}

} // namespace mana
