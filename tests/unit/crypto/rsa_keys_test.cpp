#include "infra/crypto/rsa_keys.hpp"

#include "tests/unit/crypto/crypto_vectors.hpp"
#include "tests/unit/crypto/foreign_keys.hpp"

#include <thread>

using namespace mana;
using namespace mana::crypto;

namespace {

std::string written_out(std::string pem) {
  for (std::size_t at = 0; (at = pem.find('\n', at)) != std::string::npos;)
    pem.replace(at, 1, "\\n");
  return pem;
}

std::string private_problem(std::string_view pem) {
  auto keys = parse_private_keys(pem);
  return keys ? "none" : keys.error().detail;
}

std::string public_problem(std::string_view pem) {
  auto key = rsa_public_key::parse(pem);
  return key ? "none" : key.error().detail;
}

TEST(rsa_keys, are_read_from_pkcs8_and_pkcs1) {
  auto id = rsa_pem("key_id");
  for (auto* form : {"private_key_pkcs8_pem", "private_key_pkcs1_pem"}) {
    auto keys = parse_private_keys(rsa_pem(form));
    ASSERT_TRUE(keys) << keys.error().detail;
    ASSERT_EQ(keys->size(), 1U);
    EXPECT_EQ(keys->front().key_id(), id);
  }
  EXPECT_EQ(public_key().key_id(), id);
}

TEST(rsa_keys, of_the_public_half_are_read_from_pkcs1) {
  auto key = rsa_public_key::parse(foreign::rsa_public_pkcs1());
  ASSERT_TRUE(key) << key.error().detail;
  EXPECT_EQ(key->key_id().size(), 16U);
}

TEST(rsa_keys, may_have_line_breaks_written_out) {
  EXPECT_EQ(private_problem(written_out(rsa_pem("private_key_pkcs8_pem"))), "none");
  EXPECT_EQ(public_problem(written_out(rsa_pem("public_key_spki_pem"))), "none");
}

TEST(rsa_keys, may_have_carriage_returns_and_blanks_around) {
  auto pem = "\r\n  " + rsa_pem("private_key_pkcs8_pem") + "\r\n\r\n";
  for (std::size_t at = 0; (at = pem.find("\n", at + 2)) != std::string::npos;)
    pem.replace(at, 1, "\r\n");
  EXPECT_EQ(private_problem(pem), "none");
}

TEST(rsa_keys, may_be_several_in_one_text) {
  auto keys = parse_private_keys(rsa_pem("private_key_pkcs8_pem") + "\n" + rsa_pem("other_private_key_pkcs8_pem")
                                 + rsa_pem("private_key_pkcs1_pem"));
  ASSERT_TRUE(keys) << keys.error().detail;
  ASSERT_EQ(keys->size(), 3U);
  EXPECT_EQ((*keys)[0].key_id(), (*keys)[2].key_id());
  EXPECT_NE((*keys)[0].key_id(), (*keys)[1].key_id());
}

TEST(rsa_keys, are_none_in_a_blank_text) {
  auto keys = parse_private_keys(" \n");
  ASSERT_TRUE(keys);
  EXPECT_TRUE(keys->empty());
}

TEST(rsa_keys, of_the_wrong_half_are_refused) {
  EXPECT_EQ(private_problem(rsa_pem("public_key_spki_pem")),
            "PEM block 1: this is a public key; a private key is needed here");
  EXPECT_EQ(public_problem(rsa_pem("private_key_pkcs8_pem")),
            "PEM block 1: this is a private key; a public key is needed here");
  EXPECT_EQ(public_problem(rsa_pem("private_key_pkcs1_pem")),
            "PEM block 1: this is a private key; a public key is needed here");
}

TEST(rsa_keys, that_are_encrypted_are_refused_without_asking_for_a_passphrase) {
  auto expected = "PEM block 1: the key is encrypted with a passphrase; keys must be given without one";
  EXPECT_EQ(private_problem(foreign::encrypted_pkcs8()), expected);
  EXPECT_EQ(private_problem(foreign::encrypted_pkcs1()), expected);
  // Encrypted content under the label of a plain key.
  auto mislabelled = foreign::encrypted_pkcs8();
  for (std::size_t at = 0; (at = mislabelled.find("ENCRYPTED ")) != std::string::npos;)
    mislabelled.erase(at, 10);
  EXPECT_EQ(private_problem(mislabelled), "PEM block 1: the key is malformed");
}

TEST(rsa_keys, that_are_short_or_of_another_kind_are_refused) {
  EXPECT_EQ(private_problem(foreign::rsa_private(1024)), "PEM block 1: the RSA key has less than 2048 bits");
  EXPECT_EQ(private_problem(foreign::ed25519_private()), "PEM block 1: the key is not an RSA key");
  EXPECT_EQ(private_problem(foreign::rsa_pss_private()), "PEM block 1: the key is not an RSA key");
  EXPECT_EQ(private_problem("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"),
            "PEM block 1: the block holds something else than a private or public key");
}

TEST(rsa_keys, name_the_block_that_is_wrong) {
  auto good = rsa_pem("private_key_pkcs8_pem");
  EXPECT_EQ(private_problem(good + rsa_pem("public_key_spki_pem")),
            "PEM block 2: this is a public key; a private key is needed here");
  EXPECT_TRUE(private_problem(good + "and some text").starts_with("PEM block 2: a PEM block was expected"));
}

TEST(rsa_keys, of_the_public_half_are_exactly_one) {
  auto good = rsa_pem("public_key_spki_pem");
  EXPECT_EQ(public_problem(good + good), "exactly one PEM block is needed: the public key");
  EXPECT_EQ(public_problem(""), "exactly one PEM block is needed: the public key");
}

TEST(rsa_keys, are_refused_in_every_prefix) {
  auto pem = rsa_pem("private_key_pkcs8_pem");
  while (pem.ends_with('\n'))
    pem.pop_back();
  for (std::size_t n = 1; n < pem.size(); ++n)
    EXPECT_FALSE(parse_private_keys(pem.substr(0, n))) << n;
}

TEST(rsa_keys, are_refused_when_a_digit_is_another) {
  auto pem = rsa_pem("private_key_pkcs8_pem");
  auto begin = pem.find('\n') + 1;
  for (auto at = begin; at < pem.find("-----END"); at += 41) {
    auto bad = pem;
    if (bad[at] == '\n')
      continue;
    bad[at] = bad[at] == 'A' ? 'B' : 'A';
    auto problem = private_problem(bad);
    EXPECT_NE(problem, "none") << at;
    EXPECT_EQ(problem.find(pem.substr(begin, 16)), std::string::npos) << "a message quotes the key";
  }
}

TEST(rsa_keys, refuse_a_flood_of_blocks) {
  std::string many;
  for (int i = 0; i < 100; ++i)
    many += "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
  EXPECT_EQ(private_problem(many), "PEM block 65: these are too many blocks");
}

TEST(rsa_wrap, opens_with_the_same_label_only) {
  auto key = *random_key();
  auto& own = private_keys().front();
  for (auto* label : {"", "label"}) {
    auto wrapped = public_key().wrap(key, as_bytes(label));
    ASSERT_TRUE(wrapped);
    EXPECT_EQ(wrapped->size(), 256U);
    EXPECT_EQ(hex_of(own.unwrap(*wrapped, as_bytes(label))), to_hex(key.view()));
    EXPECT_FALSE(own.unwrap(*wrapped, as_bytes("another")));
  }
}

TEST(rsa_wrap, keeps_the_size_of_what_it_wraps) {
  for (std::size_t n : {0U, 1U, 16U, 32U, 190U}) {
    auto wrapped = public_key().wrap(*secret::make(n), {});
    ASSERT_TRUE(wrapped) << n;
    auto opened = private_keys().front().unwrap(*wrapped, {});
    ASSERT_TRUE(opened) << n;
    EXPECT_EQ(opened->size(), n);
  }
  EXPECT_FALSE(public_key().wrap(*secret::make(191), {}));
}

TEST(rsa_wrap, does_not_open_with_another_key) {
  auto others = *parse_private_keys(rsa_pem("other_private_key_pkcs8_pem"));
  auto wrapped = *public_key().wrap(*random_key(), {});
  EXPECT_FALSE(others.front().unwrap(wrapped, {}));
}

TEST(rsa_wrap, has_one_form_only) {
  auto& own = private_keys().front();
  // One wrap in 256 begins with a zero byte, and as a number it is the same without it.
  bytes wrapped;
  do
    wrapped = *public_key().wrap(*random_key(), {});
  while (wrapped.front() != 0);
  EXPECT_TRUE(own.unwrap(wrapped, {}));
  EXPECT_FALSE(own.unwrap(byte_view{wrapped}.subspan(1), {}));
  wrapped.insert(wrapped.begin(), 0);
  EXPECT_FALSE(own.unwrap(wrapped, {}));
}

TEST(rsa_wrap, opens_in_several_threads_at_once) {
  auto key = *random_key();
  auto wrapped = *public_key().wrap(key, {});
  std::vector<std::string> seen(4);
  std::vector<std::thread> threads;
  threads.reserve(seen.size());
  for (auto& s : seen)
    threads.emplace_back([&] { s = hex_of(private_keys().front().unwrap(wrapped, {})); });
  for (auto& t : threads)
    t.join();
  EXPECT_EQ(seen, std::vector<std::string>(4, to_hex(key.view())));
}

} // namespace
