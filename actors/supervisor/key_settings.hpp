// Settings that hold keys. The settings table knows only their size; what is in them is judged here,
// once at start and before anything runs.
#pragma once

#include "infra/config/settings.hpp"
#include "infra/crypto/signing_keys.hpp"

#include <string>
#include <vector>

namespace mana {

// What is wrong with the keys that the targets use: one sentence each that begins with the setting's
// name, nothing of a key's text. Keys that are not set are no error here.
std::vector<std::string> key_errors(const config::settings& s, config::target_set targets);

// The keys of AUTH_SIGNING_KEY_PEM, none when it is not set; config_invalid.
result<std::vector<crypto::signing_key>> own_signing_keys(const config::settings& s);

} // namespace mana
