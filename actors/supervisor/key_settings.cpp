#include "actors/supervisor/key_settings.hpp"

#include "actors/key_vault/kek_ring.hpp"
#include "infra/crypto/rsa_keys.hpp"

namespace mana {

namespace {

class collected_errors {
public:
  // `parse` is only asked about keys that are set.
  template <class Parse>
  void check(const char* name, const config::secret_text& text, Parse parse) {
    if (text.empty())
      return;
    if (auto parsed = parse(text.reveal()); !parsed)
      errors.push_back(std::string{name} + ": " + parsed.error().detail);
  }
  std::vector<std::string> errors;
};

} // namespace

std::vector<std::string> key_errors(const config::settings& s, config::target_set targets) {
  collected_errors out;
  if (targets.contains(config::target::runner)) {
    out.check("MANA_AI_PRIVATE_KEY_PEM", s.ai_private_keys, crypto::parse_private_keys);
    out.check("AUDIT_SIGNING_KEY_PEM", s.audit_signing_keys, crypto::parse_signing_keys);
  }
  if (targets.contains(config::target::auth)) {
    out.check("MANA_AUTH_KEK", s.auth_keks, kek_ring::parse);
    out.check("MANA_AI_PUBLIC_KEY_PEM", s.ai_public_key, crypto::rsa_public_key::parse);
    out.check("AUTH_SIGNING_KEY_PEM", s.auth_signing_keys, crypto::parse_signing_keys);
  }
  return std::move(out.errors);
}

result<std::vector<crypto::signing_key>> own_signing_keys(const config::settings& s) {
  if (s.auth_signing_keys.empty())
    return std::vector<crypto::signing_key>{};
  auto keys = crypto::parse_signing_keys(s.auth_signing_keys.reveal());
  if (!keys)
    return failure{errc::config_invalid, "AUTH_SIGNING_KEY_PEM: " + keys.error().detail};
  return keys;
}

} // namespace mana
