#include "infra/crypto/keygen.hpp"

#include "infra/config/settings.hpp"
#include "infra/crypto/signing_keys.hpp"
#include "tests/unit/crypto/crypto_vectors.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

using namespace mana;
using namespace mana::crypto;

namespace fs = std::filesystem;

namespace {

std::string content(const fs::path& file) {
  std::ifstream in{file};
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

struct keygen : testing::Test {
  std::string parent = [] {
    auto name = (fs::temp_directory_path() / "mana-keygen-XXXXXX").string();
    return std::string{::mkdtemp(name.data())};
  }();
  std::string directory = parent + "/keys";

  ~keygen() override { fs::remove_all(parent); }

  std::string read(std::string_view file) const { return content(fs::path{directory} / file); }
  std::string mode(std::string_view file) const {
    std::ostringstream out;
    out << std::oct << static_cast<unsigned>(fs::status(fs::path{directory} / file).permissions());
    return out.str();
  }
  // A failure's detail, or nothing.
  std::string problem() const {
    auto written = generate_keys(directory);
    return written ? "" : written.error().detail;
  }
};

TEST_F(keygen, writes_keys_that_the_settings_take) {
  auto written = generate_keys(directory);
  ASSERT_TRUE(written) << written.error().detail;
  config::environment env = [&](const std::string& name) -> std::optional<std::string> {
    for (auto& file : *written)
      if (name == file.setting + "_FILE")
        return file.path;
    return std::nullopt;
  };
  auto settings = config::load_settings({}, env, {}).values;

  auto own = parse_private_keys(settings.ai_private_keys.reveal());
  auto runner = rsa_public_key::parse(settings.ai_public_key.reveal());
  ASSERT_TRUE(own && runner);
  EXPECT_EQ(own->front().key_id(), runner->key_id());
  EXPECT_EQ(parse_signing_keys(settings.auth_signing_keys.reveal())->size(), 1U);
  EXPECT_EQ(parse_signing_keys(settings.audit_signing_keys.reveal())->size(), 1U);
  auto& kek = settings.auth_keks.reveal();
  EXPECT_EQ(secret_from_base64(std::string_view{kek}.substr(kek.find(':') + 1))->size(), key_bytes);
}

TEST_F(keygen, lets_only_the_owner_read_what_is_secret) {
  ASSERT_EQ(problem(), "");
  EXPECT_EQ(mode(""), "700");
  EXPECT_EQ(mode("mana-ai-public.pem"), "644");
  for (auto* file : {"mana-ai-private.pem", "mana-auth-kek.txt", "auth-signing.pem", "audit-signing.pem"})
    EXPECT_EQ(mode(file), "600") << file;
}

TEST_F(keygen, writes_other_keys_every_time) {
  ASSERT_EQ(problem(), "");
  auto first = directory;
  directory = parent + "/others";
  ASSERT_EQ(problem(), "");
  for (auto& file : fs::directory_iterator{first})
    EXPECT_NE(content(file.path()), read(file.path().filename().string())) << file.path();
  EXPECT_NE(read("auth-signing.pem"), read("audit-signing.pem"));
}

TEST_F(keygen, never_overwrites_a_file_and_leaves_nothing_then) {
  fs::create_directory(directory);
  std::ofstream{directory + "/auth-signing.pem"} << "mine";
  EXPECT_TRUE(problem().starts_with(directory + "/auth-signing.pem exists")) << problem();
  EXPECT_EQ(read("auth-signing.pem"), "mine");
  EXPECT_EQ(std::distance(fs::directory_iterator{directory}, {}), 1);
}

TEST_F(keygen, follows_no_link) {
  fs::create_directory(directory);
  fs::create_symlink(parent + "/elsewhere", directory + "/mana-ai-private.pem");
  EXPECT_TRUE(problem().starts_with(directory + "/mana-ai-private.pem exists")) << problem();
  EXPECT_FALSE(fs::exists(parent + "/elsewhere"));
}

TEST_F(keygen, names_a_directory_that_cannot_be_made) {
  directory = parent + "/missing/keys";
  EXPECT_EQ(problem(), directory + ": No such file or directory");
}

} // namespace
