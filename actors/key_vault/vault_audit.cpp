#include "actors/key_vault/vault_audit.hpp"

namespace mana {

namespace {

void insert_row(user_transaction& tx, const vault_attempt& what, std::string_view outcome,
                std::optional<std::string_view> reason) {
  auto count = what.record_count ? std::to_string(*what.record_count) : std::string{};
  auto why = std::string{reason.value_or("")};
  tx.exec("INSERT INTO mana_auth.vault_audit (user_id, action, outcome, reason, mission_id, record_count)"
          " VALUES ($1, $2, $3, nullif($4, ''), nullif($5, ''), nullif($6, '')::integer)",
          what.user.value, std::string{to_string(what.action)}, std::string{outcome}, why, what.mission.value_or(""),
          count);
}

} // namespace

std::string_view to_string(vault_action a) noexcept {
  switch (a) {
    case vault_action::init: return "init";
    case vault_action::key_read: return "key-read";
    case vault_action::rewrap: return "rewrap";
    case vault_action::rotate: return "rotate";
    case vault_action::recovery_set: return "recovery-set";
    case vault_action::recovery_removed: return "recovery-removed";
    case vault_action::zero_knowledge_on: return "zero-knowledge-on";
    case vault_action::zero_knowledge_off: return "zero-knowledge-off";
    case vault_action::grant: return "grant";
  }
  return "init";
}

std::string_view outcome_of(errc code) noexcept {
  switch (code) {
    case errc::bad_request:
    case errc::limit_exceeded:
    case errc::rate_limited:
    case errc::grant_not_configured:
    case errc::vault_not_initialised:
    case errc::vault_exists:
    case errc::zero_knowledge_active:
    case errc::recovery_wrap_missing: return "refused";
    default: return "failed";
  }
}

user_transaction::user_transaction(pg::connection& db, const user_id& user) : tx_(db.raw()) {
  exec("SELECT set_config('app.current_user_id', $1, true)", user.value);
}

void record_success(user_transaction& tx, const vault_attempt& what) { insert_row(tx, what, "ok", std::nullopt); }

void record_failure(pg::connection& db, const vault_attempt& what, errc why) {
  user_transaction tx{db, what.user};
  insert_row(tx, what, outcome_of(why), to_string(why));
  tx.commit();
}

} // namespace mana
