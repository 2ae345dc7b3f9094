// The key vault (contract, section 5), all under /api/v1/me/encryption-vault and for the bearer of a
// token. Keys are base64; answers with keys are overwritten in memory when they were sent.
//
//   GET    /status           {initialised, zeroKnowledge, hasRecoveryWrap, kekId, createdAt, rotatedAt}
//   POST   /init             201 {masterKey}; 409 VAULT_EXISTS
//   GET    /key              {masterKey}, in zero-knowledge mode
//                            {requiresRecoveryCode:true, recoveryWrappedMk, recoveryIv}
//   POST   /rotate           {masterKey, previousMasterKey}; 409 ZK_ACTIVE. Ends the recovery wrap,
//                            which holds the previous key
//   POST   /recovery-wrap    {recoveryWrappedMk, recoveryIv} → 204
//   DELETE /recovery-wrap    204; 409 ZK_ACTIVE
//   POST   /zero-knowledge   {enable:true} → 204; 409 RECOVERY_WRAP_MISSING
//                            {enable:false, masterKey} → 204
//
// 404 VAULT_NOT_INITIALISED, 503 VAULT_KEY_UNKNOWN, 400 BAD_REQUEST naming the field.
#pragma once

#include "http/auth_front.hpp"

namespace mana::http {

void add_vault_routes(router& r, auth_front_ptr front);

// -- the pure parts -----------------------------------------------------------------------------------

// Moves a key out of a JSON text before anything parses (and so copies) it: the value of the first
// string member `name` is returned, and stands as as many blanks in `body` afterwards. nullopt: there
// is no such member, or its value holds escapes other than `\/`, which base64 needs never.
std::optional<sensitive_text> take_key(std::string& body, std::string_view name);

} // namespace mana::http
