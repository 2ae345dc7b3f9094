// key_vault: the users' master keys (contract, sections 4 and 5). Every request but get_vault_status
// leaves a row in the vault's audit, also when it is refused.
//
// Keys travel as base64 in sensitive_text, whose copies all are overwritten when they are released.
#pragma once

#include "messages/caf_errors.hpp"
#include "messages/ids.hpp"
#include "messages/sensitive_text.hpp"
#include "messages/timestamp.hpp"

#include <caf/all.hpp>

#include <optional>
#include <string>

namespace mana {

// The master key under the user's recovery code; both base64, sealed in the browser.
struct recovery_wrap {
  std::string wrapped_key; // 48 bytes
  std::string iv;          // 12 bytes
};

struct get_vault_status {
  user_id user;
};
struct vault_status {
  bool initialised = false; // false: nothing below means anything
  bool zero_knowledge = false;
  bool has_recovery_wrap = false;
  std::string kek_id; // empty in zero-knowledge mode
  std::optional<timestamp> created_at;
  std::optional<timestamp> rotated_at;
};

struct init_vault {
  user_id user;
};
struct new_vault {
  sensitive_text master_key;
};

struct read_vault_key {
  user_id user;
};
// In zero-knowledge mode the recovery wrap, else the master key.
struct vault_key {
  sensitive_text master_key;
  std::optional<recovery_wrap> recovery;
};

struct rotate_vault {
  user_id user;
};
struct rotated_vault {
  sensitive_text master_key;
  sensitive_text previous_master_key;
};

struct set_recovery_wrap {
  user_id user;
  recovery_wrap wrap;
};
struct remove_recovery_wrap {
  user_id user;
};
struct enable_zero_knowledge {
  user_id user;
};
struct disable_zero_knowledge {
  user_id user;
  sensitive_text master_key; // base64 of 32 bytes
};
struct vault_changed {};

// All: database_* errors, commit_in_doubt (look at the status, then repeat). All but status and init:
// vault_not_initialised. Where a master key is unwrapped: vault_key_unknown.
using key_vault_actor =
    caf::typed_actor<caf::replies_to<get_vault_status>::with<vault_status>,
                     // vault_exists.
                     caf::replies_to<init_vault>::with<new_vault>,
                     // A key that was wrapped by another KEK than the first is wrapped anew.
                     caf::replies_to<read_vault_key>::with<vault_key>,
                     // A new master key; the recovery wrap, which holds the old one, is removed. zero_knowledge_active.
                     caf::replies_to<rotate_vault>::with<rotated_vault>,
                     // bad_request: not base64 of the right length.
                     caf::replies_to<set_recovery_wrap>::with<vault_changed>,
                     // zero_knowledge_active. No error when there is none.
                     caf::replies_to<remove_recovery_wrap>::with<vault_changed>,
                     // Forgets the KEK wrap; recovery_wrap_missing. No error when the mode is on already.
                     caf::replies_to<enable_zero_knowledge>::with<vault_changed>,
                     // bad_request: not base64 of 32 bytes, or the mode is off and this is another key.
                     caf::replies_to<disable_zero_knowledge>::with<vault_changed>>;

} // namespace mana

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::get_vault_status)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::vault_status)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::init_vault)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::new_vault)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::read_vault_key)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::vault_key)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::rotate_vault)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::rotated_vault)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::set_recovery_wrap)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::remove_recovery_wrap)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::enable_zero_knowledge)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::disable_zero_knowledge)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::vault_changed)
