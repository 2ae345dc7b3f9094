#include "actors/key_vault/vault_queries.hpp"

#include "infra/crypto/base64.hpp"
#include "infra/crypto/primitives.hpp"

namespace mana {

namespace {

failure no_vault() { return {errc::vault_not_initialised, "there is no vault yet"}; }

failure in_zero_knowledge() {
  return {errc::zero_knowledge_active, "the vault is in zero-knowledge mode: the server holds no key"};
}

bool is_base64_of(std::string_view text, std::size_t size) {
  auto decoded = crypto::from_base64(text);
  return decoded && decoded->size() == size;
}

std::optional<timestamp> time_of(const pqxx::field& f) {
  auto us = pg::get<std::int64_t>(f);
  return us ? std::optional{pg::time_from_us(*us)} : std::nullopt;
}

void store_wrap(user_transaction& tx, const user_id& user, const wrapped_key& w, const char* also) {
  tx.exec(std::string{"UPDATE mana_auth.encryption_vaults SET wrapped_mk = $2, wrap_iv = $3, kek_id = $4,"
                      " updated_at = now()"}
              + also + " WHERE user_id = $1",
          user.value, w.ciphertext, w.iv, w.kek_id);
}

// To the KEK that is in use now. Compared with what was read: a key that somebody rotated or wrapped
// anew meanwhile stays as it is.
std::optional<failure> rewrap(user_transaction& tx, const kek_ring& keks, const user_id& user, const wrapped_key& old,
                              const crypto::secret& key) {
  auto fresh = keks.wrap(key);
  if (!fresh)
    return fresh.error();
  auto changed = tx.exec("UPDATE mana_auth.encryption_vaults SET wrapped_mk = $2, wrap_iv = $3, kek_id = $4,"
                         " updated_at = now() WHERE user_id = $1 AND wrapped_mk = $5 AND wrap_iv = $6",
                         user.value, fresh->ciphertext, fresh->iv, fresh->kek_id, old.ciphertext, old.iv);
  if (changed.affected_rows() == 1)
    record_success(tx, {user, vault_action::rewrap, {}, {}});
  return std::nullopt;
}

} // namespace

std::optional<stored_vault> find_vault(user_transaction& tx, const user_id& user, row_lock lock) {
  std::string sql = "SELECT zero_knowledge, wrapped_mk, wrap_iv, kek_id, recovery_wrapped_mk, recovery_iv"
                    " FROM mana_auth.encryption_vaults WHERE user_id = $1";
  auto rows = tx.exec(lock == row_lock::exclusive ? sql + " FOR UPDATE" : sql, user.value);
  if (rows.empty())
    return std::nullopt;
  const auto row = rows[0];
  stored_vault out;
  out.zero_knowledge = row[0].as<bool>();
  if (!row[1].is_null())
    out.wrapped = wrapped_key{row[1].as<std::string>(), row[2].as<std::string>(), row[3].as<std::string>()};
  if (!row[4].is_null())
    out.recovery = recovery_wrap{row[4].as<std::string>(), row[5].as<std::string>()};
  return out;
}

vault_status status_of_vault(pg::connection& db, const user_id& user) {
  user_transaction tx{db, user};
  auto rows = tx.exec("SELECT zero_knowledge, recovery_iv IS NOT NULL, kek_id,"
                      " (extract(epoch FROM created_at) * 1000000)::bigint,"
                      " (extract(epoch FROM rotated_at) * 1000000)::bigint"
                      " FROM mana_auth.encryption_vaults WHERE user_id = $1",
                      user.value);
  vault_status out;
  if (rows.empty())
    return out;
  const auto row = rows[0];
  out.initialised = true;
  out.zero_knowledge = row[0].as<bool>();
  out.has_recovery_wrap = row[1].as<bool>();
  out.kek_id = pg::get<std::string>(row[2]).value_or("");
  out.created_at = time_of(row[3]);
  out.rotated_at = time_of(row[4]);
  return out;
}

result<new_vault> create_vault(pg::connection& db, const kek_ring& keks, const user_id& user) {
  auto key = crypto::random_key();
  if (!key)
    return failure{errc::internal, "no master key could be made"};
  auto wrapped = keks.wrap(*key);
  if (!wrapped)
    return std::move(wrapped).error();
  user_transaction tx{db, user};
  auto created = tx.exec("INSERT INTO mana_auth.encryption_vaults (user_id, wrapped_mk, wrap_iv, kek_id)"
                         " VALUES ($1, $2, $3, $4) ON CONFLICT (user_id) DO NOTHING",
                         user.value, wrapped->ciphertext, wrapped->iv, wrapped->kek_id);
  if (created.affected_rows() == 0)
    return failure{errc::vault_exists, "the vault exists already"};
  record_success(tx, {user, vault_action::init, {}, {}});
  tx.commit();
  return new_vault{crypto::to_base64(*key)};
}

result<vault_key> read_key(pg::connection& db, const kek_ring& keks, const user_id& user) {
  user_transaction tx{db, user};
  auto vault = find_vault(tx, user, row_lock::none);
  if (!vault)
    return no_vault();
  vault_key out;
  if (vault->zero_knowledge) {
    out.recovery = std::move(vault->recovery);
  } else {
    auto key = keks.unwrap(*vault->wrapped);
    if (!key)
      return std::move(key).error();
    if (vault->wrapped->kek_id != keks.first_id())
      if (auto failed = rewrap(tx, keks, user, *vault->wrapped, *key))
        return *failed;
    out.master_key = crypto::to_base64(*key);
  }
  record_success(tx, {user, vault_action::key_read, {}, {}});
  tx.commit();
  return out;
}

result<rotated_vault> rotate_key(pg::connection& db, const kek_ring& keks, const user_id& user) {
  user_transaction tx{db, user};
  auto vault = find_vault(tx, user, row_lock::exclusive);
  if (!vault)
    return no_vault();
  if (vault->zero_knowledge)
    return in_zero_knowledge();
  auto old_key = keks.unwrap(*vault->wrapped);
  if (!old_key)
    return std::move(old_key).error();
  auto new_key = crypto::random_key();
  if (!new_key)
    return failure{errc::internal, "no master key could be made"};
  auto wrapped = keks.wrap(*new_key);
  if (!wrapped)
    return std::move(wrapped).error();
  // The recovery wrap holds the old key: zero-knowledge mode on top of it would lose the new one.
  store_wrap(tx, user, *wrapped, ", rotated_at = now(), recovery_wrapped_mk = NULL, recovery_iv = NULL");
  record_success(tx, {user, vault_action::rotate, {}, {}});
  tx.commit();
  return rotated_vault{crypto::to_base64(*new_key), crypto::to_base64(*old_key)};
}

result<vault_changed> store_recovery_wrap(pg::connection& db, const user_id& user, const recovery_wrap& wrap) {
  if (!is_base64_of(wrap.wrapped_key, crypto::key_bytes + crypto::tag_bytes))
    return failure{errc::bad_request, "recoveryWrappedMk: must be base64 of 48 bytes"};
  if (!is_base64_of(wrap.iv, crypto::nonce_bytes))
    return failure{errc::bad_request, "recoveryIv: must be base64 of 12 bytes"};
  user_transaction tx{db, user};
  auto changed = tx.exec("UPDATE mana_auth.encryption_vaults SET recovery_wrapped_mk = $2, recovery_iv = $3,"
                         " updated_at = now() WHERE user_id = $1",
                         user.value, wrap.wrapped_key, wrap.iv);
  if (changed.affected_rows() == 0)
    return no_vault();
  record_success(tx, {user, vault_action::recovery_set, {}, {}});
  tx.commit();
  return vault_changed{};
}

result<vault_changed> drop_recovery_wrap(pg::connection& db, const user_id& user) {
  user_transaction tx{db, user};
  auto vault = find_vault(tx, user, row_lock::exclusive);
  if (!vault)
    return no_vault();
  if (vault->zero_knowledge)
    return failure{errc::zero_knowledge_active, "in zero-knowledge mode only the recovery wrap opens the vault"};
  tx.exec("UPDATE mana_auth.encryption_vaults SET recovery_wrapped_mk = NULL, recovery_iv = NULL, updated_at = now()"
          " WHERE user_id = $1",
          user.value);
  record_success(tx, {user, vault_action::recovery_removed, {}, {}});
  tx.commit();
  return vault_changed{};
}

result<vault_changed> start_zero_knowledge(pg::connection& db, const user_id& user) {
  user_transaction tx{db, user};
  auto vault = find_vault(tx, user, row_lock::exclusive);
  if (!vault)
    return no_vault();
  if (!vault->recovery)
    return failure{errc::recovery_wrap_missing, "zero-knowledge mode needs a recovery wrap first"};
  tx.exec("UPDATE mana_auth.encryption_vaults SET zero_knowledge = true, wrapped_mk = NULL, wrap_iv = NULL,"
          " kek_id = NULL, updated_at = now() WHERE user_id = $1",
          user.value);
  record_success(tx, {user, vault_action::zero_knowledge_on, {}, {}});
  tx.commit();
  return vault_changed{};
}

result<vault_changed> end_zero_knowledge(pg::connection& db, const kek_ring& keks, const user_id& user,
                                         const sensitive_text& master_key) {
  auto key = crypto::secret_from_base64(master_key.view());
  if (!key || key->size() != crypto::key_bytes)
    return failure{errc::bad_request, "masterKey: must be base64 of 32 bytes"};
  user_transaction tx{db, user};
  auto vault = find_vault(tx, user, row_lock::exclusive);
  if (!vault)
    return no_vault();
  if (vault->zero_knowledge) {
    auto wrapped = keks.wrap(*key);
    if (!wrapped)
      return std::move(wrapped).error();
    store_wrap(tx, user, *wrapped, ", zero_knowledge = false");
  } else {
    // A repeated request; never a way to replace the key that records are encrypted with.
    auto current = keks.unwrap(*vault->wrapped);
    if (!current)
      return std::move(current).error();
    if (!crypto::equal_constant_time(current->view(), key->view()))
      return failure{errc::bad_request, "masterKey: zero-knowledge mode is off, and this is not the vault's key"};
  }
  record_success(tx, {user, vault_action::zero_knowledge_off, {}, {}});
  tx.commit();
  return vault_changed{};
}

} // namespace mana
