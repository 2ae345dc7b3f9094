// The hash chain over a user's audit rows (contract 2), and the statement about its head. Pure; the
// database computes the same hashes when it appends (migration 005).
//
//   row   SHA-256 of  `mana-ai-audit:v1`, userId, position, ts, missionId, iterationId, tableName,
//                     recordId, status, reason, and the 32 bytes of the previous row's hash
//   head  Ed25519 of  `mana-ai-audit-head:v1`, userId, position, hash (hexadecimal), at
//
// The label stands as it is, each field as its length (4 bytes, big-endian) and its UTF-8; a missing
// one is the length 0xFFFFFFFF. Positions are decimal text, times `YYYY-MM-DDTHH:MM:SS.mmmZ`. The first
// row's predecessor is 32 zero bytes. A chain shows changed, swapped, inserted and missing rows; that
// rows are missing at its end shows only against a head that somebody kept. Where retention has removed the
// oldest rows an anchor keeps the position and the hash of the last of them, and the chain is followed from
// there; an anchor that was moved along with rows that were removed shows only against such a head, too.
#pragma once

#include "infra/crypto/primitives.hpp"
#include "messages/audit_reader.hpp"

#include <optional>
#include <string>

namespace mana {

// As it enters the hash. A row whose time is finer than a millisecond, which none of ours is, gets a
// text that no honest row has.
std::string audit_time_text(const audit_row& row);

crypto::bytes canonical_audit_row(const audit_row& row, const crypto::digest& previous);

crypto::bytes canonical_audit_head(const user_id& user, const audit_head& head);

// Follows a chain from its first row on that is left.
class chain_check {
public:
  // The rows up to that position were removed by retention; what is followed already stays good.
  void resume_after(std::int64_t position, const crypto::digest& hash);
  // This row is bad, for a reason that lies outside of it.
  void reject(const audit_row& row, std::string problem);
  // False: the row is bad, first_bad() says why, and there is nothing more to follow.
  bool accept(const audit_row& row);

  // The last row that was good.
  std::int64_t position() const { return position_; }
  // What is known so far.
  audit_verdict verdict() const;

private:
  std::string problem_of(const audit_row& row, const crypto::digest& hash) const;

  std::optional<audit_anchor> anchor_;
  std::int64_t position_ = 0;
  crypto::digest hash_{};
  std::optional<bad_audit_row> first_bad_;
};

} // namespace mana
