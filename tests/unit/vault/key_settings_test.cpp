#include "actors/supervisor/key_settings.hpp"

#include <gtest/gtest.h>

using namespace mana;
using config::target;

namespace {

config::settings all_wrong() {
  config::settings s;
  s.ai_private_keys = config::pem_text{"topsecret-1"};
  s.audit_signing_keys = config::pem_text{"topsecret-2"};
  s.auth_keks = config::secret_text{"v1:topsecret-3"};
  s.ai_public_key = config::pem_text{"topsecret-4"};
  s.auth_signing_keys = config::pem_text{"topsecret-5"};
  return s;
}

std::vector<std::string> names(config::target_set targets) {
  std::vector<std::string> out;
  for (auto& e : key_errors(all_wrong(), targets)) {
    EXPECT_EQ(e.find("topsecret"), e.npos) << e;
    out.push_back(e.substr(0, e.find(':')));
  }
  return out;
}

using list = std::vector<std::string>;

TEST(key_settings, are_judged_all_at_once) {
  EXPECT_EQ(names({target::runner, target::auth}),
            (list{"MANA_AI_PRIVATE_KEY_PEM", "AUDIT_SIGNING_KEY_PEM", "MANA_AUTH_KEK", "MANA_AI_PUBLIC_KEY_PEM",
                  "AUTH_SIGNING_KEY_PEM"}));
}

TEST(key_settings, concern_only_the_targets_that_use_them) {
  EXPECT_EQ(names({target::runner}), (list{"MANA_AI_PRIVATE_KEY_PEM", "AUDIT_SIGNING_KEY_PEM"}));
  EXPECT_EQ(names({target::auth}), (list{"MANA_AUTH_KEK", "MANA_AI_PUBLIC_KEY_PEM", "AUTH_SIGNING_KEY_PEM"}));
  EXPECT_EQ(names({target::llm_standin}), list{});
}

TEST(key_settings, that_are_not_set_are_no_error) {
  EXPECT_TRUE(key_errors({}, {target::runner, target::auth}).empty());
}

} // namespace
