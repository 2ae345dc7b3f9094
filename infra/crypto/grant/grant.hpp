// Key grants (contract section 4): a mission's data key (MDK), wrapped to the runner, for exactly
// the records in its scope.
#pragma once

#include "infra/crypto/rsa_keys.hpp"
#include "infra/json/value.hpp"
#include "messages/timestamp.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mana::crypto {

// A grant beyond these is malformed and is not issued.
inline constexpr std::size_t max_grant_records = 1000; // and as many tables
inline constexpr std::size_t max_grant_text = 512;     // bytes of an id, a table's name or a time

// What a grant is for. `record_ids` are `<table>:<id>`.
struct grant_scope {
  std::string mission_id;
  std::vector<std::string> tables;
  std::vector<std::string> record_ids;
};

// The bytes that a v2 grant binds: both lists sorted by UTF-8 bytes without duplicates, strings and
// counts with 4-byte big-endian lengths, so that no two scopes share them.
bytes canonical_grant_v2(std::string_view user_id, const grant_scope& scope, std::string_view issued_at,
                         std::string_view expires_at);
std::optional<secret> derive_mdk_v2(const secret& master_key, std::string_view mission_id, byte_view canonical);

// HKDF info of v1: both lists sorted by UTF-16 code units.
std::string info_v1(const grant_scope& scope);
std::optional<secret> derive_mdk_v1(const secret& master_key, const grant_scope& scope);

// -- opening ------------------------------------------------------------------------------------

// Reasons of `mana_ai_grant_skips_total`, in the order in which they are found out.
enum class grant_skip : std::uint8_t { not_configured, expired, malformed, revoked, wrap_rejected };
std::string_view to_string(grant_skip s) noexcept; // not-configured, expired, …
inline constexpr grant_skip all_grant_skips[] = {grant_skip::not_configured, grant_skip::expired, grant_skip::malformed,
                                                 grant_skip::revoked, grant_skip::wrap_rejected};

// Which grant this is: the first 32 hex digits of SHA-256 of the decoded `wrappedKey` (of its text when
// it is no base64). A grant that was replaced or nulled is remembered by it: no edit of the other
// members and no other spelling of the base64 makes it another one. nullopt: no object or no wrappedKey.
std::optional<std::string> grant_fingerprint(const json::value& grant);

struct unwrap_policy {
  std::span<const rsa_private_key> keys;
  bool accept_v1 = true;
};

// A grant that was unwrapped; holds the MDK as long as it lives.
class opened_grant {
public:
  opened_grant(opened_grant&&) noexcept = default;
  opened_grant& operator=(opened_grant&&) noexcept = default;

  int version() const { return version_; } // 1 or 2
  // Whether `<table>:<id>` is in the allowlist.
  bool allows(std::string_view table, std::string_view record_id) const;
  byte_view mdk() const { return mdk_.view(); }
  // v2: the record's own key, unwrapped anew on each call. nullopt: v1, no key for this record in the
  // grant, or it does not open.
  std::optional<secret> key_of(std::string_view table, std::string_view record_id) const;

private:
  friend std::variant<opened_grant, grant_skip> open_grant(const json::value&, std::string_view, std::string_view,
                                                           timestamp, bool, const unwrap_policy&);
  opened_grant() = default;
  int version_ = 2;
  secret mdk_;
  std::set<std::string, std::less<>> allowed_;
  std::map<std::string, std::string, std::less<>> record_keys_; // as in the grant, base64
};

// Unwraps `grant` as it stands in the mission's record. In this order: no private key →
// not_configured; expiresAt unparseable or past → expired; base64 or shape wrong → malformed;
// `revoked` → revoked; RSA refuses → wrap_rejected; not 32 bytes → malformed. Never throws, whatever
// the input. `derivation.missionId` other than `mission_id` is malformed for v1 and wrap_rejected for v2,
// which binds it; v1 is malformed where it is not accepted. An MDK of v1 opens every record it was used
// for, so there the allowlist is only as good as the log.
std::variant<opened_grant, grant_skip> open_grant(const json::value& grant, std::string_view user_id,
                                                  std::string_view mission_id, timestamp now, bool revoked,
                                                  const unwrap_policy& policy);

// -- issuing ------------------------------------------------------------------------------------

struct grant_request {
  std::string user_id;
  grant_scope scope;
  timestamp issued_at;
  timestamp expires_at;
};

// A v2 grant as JSON: wrappedKey, derivation {version: "v2", missionId, tables, recordIds}, issuedAt,
// expiresAt, keyId, recordKeys; both lists sorted, without duplicates. limit_exceeded and bad_request (an id
// that is no `<table>:<id>`) name the member; `internal`: the library or the secure heap failed.
result<json::value> issue_grant(const grant_request& request, const secret& master_key, const rsa_public_key& runner);

} // namespace mana::crypto
