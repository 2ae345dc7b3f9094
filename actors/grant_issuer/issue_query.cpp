#include "actors/grant_issuer/issue_query.hpp"

#include "actors/grant_issuer/grant_rules.hpp"
#include "actors/key_vault/vault_queries.hpp"
#include "infra/json/value.hpp"
#include "messages/retry_after.hpp"

namespace mana {

namespace {

timestamp now_of(user_transaction& tx) {
  return pg::time_from_us(tx.exec("SELECT (extract(epoch FROM now()) * 1000000)::bigint")[0][0].as<std::int64_t>());
}

// The vault's row is locked, so a user's grants are counted one after the other, whichever replica
// issues them. clock_timestamp(): a transaction that waited for the lock began before rows it sees.
std::optional<failure> over_the_limit(user_transaction& tx, const user_id& user, std::size_t max_per_hour) {
  auto rows = tx.exec("SELECT ceil(extract(epoch FROM ts + interval '1 hour' - clock_timestamp()))::bigint"
                      " FROM mana_auth.vault_audit WHERE user_id = $1 AND action = 'grant' AND outcome = 'ok'"
                      " AND ts > clock_timestamp() - interval '1 hour' ORDER BY ts DESC OFFSET $2 LIMIT 1",
                      user.value, max_per_hour - 1);
  if (rows.empty())
    return std::nullopt;
  return rate_limited_for(std::chrono::seconds{rows[0][0].as<std::int64_t>()});
}

result<crypto::secret> unlocked_master_key(user_transaction& tx, const kek_ring& keks, const grant_desk& desk,
                                           const user_id& user) {
  auto vault = find_vault(tx, user, row_lock::exclusive);
  if (!vault)
    return failure{errc::vault_not_initialised, "there is no vault yet"};
  if (vault->zero_knowledge)
    return failure{errc::zero_knowledge_active, "the vault is in zero-knowledge mode: no grant can be issued"};
  if (auto limited = over_the_limit(tx, user, desk.max_per_hour))
    return *limited;
  return keks.unwrap(*vault->wrapped);
}

} // namespace

result<issued_mission_grant> issue(pg::connection& db, const kek_ring& keks, const grant_desk& desk,
                                   const issue_mission_grant& asked) {
  if (!desk.runner)
    return failure{errc::grant_not_configured, "no public key of a runner is configured"};
  auto scope = checked_scope(asked);
  if (!scope)
    return std::move(scope).error();
  user_transaction tx{db, asked.user};
  auto master_key = unlocked_master_key(tx, keks, desk, asked.user);
  if (!master_key)
    return std::move(master_key).error();
  crypto::grant_request request;
  request.user_id = asked.user.value;
  request.scope = std::move(*scope);
  request.issued_at = now_of(tx);
  request.expires_at = request.issued_at + clamped_ttl(asked.ttl);
  auto grant = crypto::issue_grant(request, *master_key, *desk.runner);
  if (!grant)
    return std::move(grant).error();
  record_success(tx, {asked.user, vault_action::grant, request.scope.mission_id,
                      static_cast<int>(request.scope.record_ids.size())});
  tx.commit();
  return issued_mission_grant{json::to_text(*grant)};
}

} // namespace mana
