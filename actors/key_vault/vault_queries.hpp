// What the vault does to its row, one transaction each. The row is locked where its state decides
// what happens, so that of two transitions at once the second sees what the first one did. All throw
// libpqxx's exceptions; a failure means that nothing was changed.
#pragma once

#include "actors/key_vault/kek_ring.hpp"
#include "actors/key_vault/vault_audit.hpp"
#include "messages/key_vault.hpp"

namespace mana {

// A vault's row. Either `wrapped` or, in zero-knowledge mode, nothing but the recovery wrap.
struct stored_vault {
  bool zero_knowledge = false;
  std::optional<wrapped_key> wrapped;
  std::optional<recovery_wrap> recovery;
};

enum class row_lock : std::uint8_t { none, exclusive };
std::optional<stored_vault> find_vault(user_transaction& tx, const user_id& user, row_lock lock);

vault_status status_of_vault(pg::connection& db, const user_id& user);

result<new_vault> create_vault(pg::connection& db, const kek_ring& keks, const user_id& user);
result<vault_key> read_key(pg::connection& db, const kek_ring& keks, const user_id& user);
result<rotated_vault> rotate_key(pg::connection& db, const kek_ring& keks, const user_id& user);
result<vault_changed> store_recovery_wrap(pg::connection& db, const user_id& user, const recovery_wrap& wrap);
result<vault_changed> drop_recovery_wrap(pg::connection& db, const user_id& user);
result<vault_changed> start_zero_knowledge(pg::connection& db, const user_id& user);
result<vault_changed> end_zero_knowledge(pg::connection& db, const kek_ring& keks, const user_id& user,
                                         const sensitive_text& master_key);

} // namespace mana
