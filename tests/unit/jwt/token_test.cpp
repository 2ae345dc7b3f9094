#include "infra/jwt/token.hpp"

#include "infra/jwt/key_set.hpp"
#include "tests/unit/jwt/test_tokens.hpp"
#include "tests/unit/mission/vectors.hpp"

using namespace std::chrono_literals;
using namespace mana;
using mana::testing::fresh_signing_key;
using mana::testing::header_for;
using mana::testing::signed_token;

namespace {

const timestamp now{1'800'000'000'000ms};
const std::string good_payload =
    R"({"sub":"u1","iss":"https://issuer.test","aud":"mana","exp":1800000060,"iat":1799999990,"nbf":1799999990})";

struct jwt_token : ::testing::Test {
  result<jwt::claims> verified(const std::string& token, timestamp at = now) const {
    auto keys = [this](std::string_view kid) { return kid == key.key_id() ? &key.public_key() : nullptr; };
    return jwt::verify(token, keys, mana::testing::test_expectations(), at);
  }
  result<jwt::claims> with_payload(const std::string& payload, timestamp at = now) const {
    return verified(signed_token(key, header_for(key), payload), at);
  }
  result<jwt::claims> with_header(const std::string& header) const {
    return verified(signed_token(key, header, good_payload));
  }
  std::string header_with(const std::string& members) const {
    return R"({"alg":"EdDSA","kid":")" + key.key_id() + R"(",)" + members + '}';
  }
  // The good payload with one member replaced or, with an empty value, left out.
  static std::string payload_with(const std::string& name, const std::string& value) {
    auto payload = from_text(good_payload);
    payload.as_object()->erase(name);
    auto text = json::to_text(payload);
    if (!value.empty())
      text.insert(1, '"' + name + "\":" + value + ',');
    return text;
  }
  static void expect_refused(const result<jwt::claims>& r, const std::string& why) {
    ASSERT_FALSE(r) << "accepted, though: " << why;
    EXPECT_EQ(r.error().code, errc::unauthorized);
    EXPECT_EQ(r.error().detail, why);
  }

  crypto::signing_key key = fresh_signing_key();
};

} // namespace

TEST_F(jwt_token, every_test_vector_is_judged_as_the_contract_says) {
  auto vectors = test_vectors("jwt");
  auto keys = jwt::key_set::parse(json::to_text(*vectors.find("jwks")));
  ASSERT_TRUE(keys);
  jwt::expectations expected{{std::string{vectors.text("issuer")}}, std::string{vectors.text("audience")}};
  timestamp at{std::chrono::seconds{*vectors.find("evaluate_at_unix")->as_integer()}};
  auto& tokens = *vectors.find("tokens")->as_array();
  ASSERT_FALSE(tokens.empty());
  for (auto& t : tokens) {
    auto judged = jwt::verify(
        t.text("token"), [&](std::string_view kid) { return keys->find(kid); }, expected, at);
    EXPECT_EQ(static_cast<bool>(judged), *t.find("valid")->as_bool()) << t.text("name");
    if (!judged) {
      EXPECT_EQ(judged.error().code, errc::unauthorized) << t.text("name");
    }
  }
}

TEST_F(jwt_token, what_is_signed_verifies_and_gives_the_user_back) {
  auto token = mana::testing::token_for(key, "u1", now, 1min);
  auto judged = verified(token);
  ASSERT_TRUE(judged) << judged.error().detail;
  EXPECT_EQ(judged->subject, "u1");
  EXPECT_EQ(judged->expires_at, now + 1min);
}

TEST_F(jwt_token, any_other_alg_is_refused_however_the_token_is_signed) {
  for (auto* alg : {R"("none")", R"("None")", R"("HS256")", R"("RS256")", R"("ES256")", R"("eddsa")", R"("Ed25519")",
                    R"(["EdDSA"])", R"({"EdDSA":1})", "null", "1"})
    expect_refused(with_header(R"({"alg":)" + std::string{alg} + R"(,"kid":")" + key.key_id() + R"("})"),
                   "the token's alg is not EdDSA");
  expect_refused(with_header(R"({"kid":")" + key.key_id() + R"("})"), "the token's alg is not EdDSA");
}

TEST_F(jwt_token, an_unsigned_token_is_refused_for_its_alg_before_any_key_is_asked_for) {
  auto token = signed_token(key, R"({"alg":"none","kid":"x"})", good_payload);
  token.resize(token.rfind('.') + 1);
  auto judged = jwt::verify(
      token,
      [](std::string_view) -> const crypto::ed25519_public* {
        ADD_FAILURE() << "a key was asked for";
        return nullptr;
      },
      mana::testing::test_expectations(), now);
  expect_refused(judged, "the token's alg is not EdDSA");
}

TEST_F(jwt_token, of_an_alg_written_twice_the_last_one_is_judged) {
  expect_refused(with_header(R"({"alg":"EdDSA","alg":"none","kid":")" + key.key_id() + R"("})"),
                 "the token's alg is not EdDSA");
}

TEST_F(jwt_token, the_kid_must_be_a_text_of_a_known_key) {
  for (auto* kid : {"1", "null", R"(["a"])", R"({"a":"b"})", R"("")", R"("a\u0000b")"})
    expect_refused(with_header(R"({"alg":"EdDSA","kid":)" + std::string{kid} + '}'),
                   "the token's kid is missing or not a text");
  expect_refused(with_header(R"({"alg":"EdDSA"})"), "the token's kid is missing or not a text");
  expect_refused(with_header(R"({"alg":"EdDSA","kid":"other"})"), "the token's key is not known");
}

TEST_F(jwt_token, keys_that_a_token_brings_along_are_not_looked_at) {
  auto foreign = fresh_signing_key();
  auto header = header_with(R"("jwk":{"kty":"OKP","crv":"Ed25519","x":")" + crypto::to_base64url(foreign.public_key())
                            + R"("},"jku":"https://evil.test/jwks")");
  expect_refused(verified(signed_token(foreign, header, good_payload)), "the token's signature does not hold");
}

TEST_F(jwt_token, critical_extensions_are_refused) {
  expect_refused(with_header(header_with(R"("crit":["b64"],"b64":false)")),
                 "the token's header has critical extensions");
  expect_refused(with_header(header_with(R"("crit":[])")), "the token's header has critical extensions");
}

TEST_F(jwt_token, the_type_may_be_absent_or_one_of_a_jwt) {
  EXPECT_TRUE(with_header(header_with(R"("typ":"JWT")")));
  EXPECT_TRUE(with_header(header_with(R"("typ":"at+jwt")")));
  expect_refused(with_header(header_with(R"("typ":"JOSE")")), "the token's typ is not JWT");
  expect_refused(with_header(header_with(R"("typ":1)")), "the token's typ is not JWT");
}

TEST_F(jwt_token, the_form_is_three_parts_of_strict_base64url) {
  auto token = signed_token(key, header_for(key), good_payload);
  for (auto* text : {"", ".", "a.b", "a.b.c.d"})
    expect_refused(verified(text), "the token does not have three parts");
  expect_refused(verified(token + ".x"), "the token does not have three parts");
  expect_refused(verified(token + "="), "the token is not base64url");
  expect_refused(verified(' ' + token), "the token is not base64url");
  expect_refused(verified("a+b." + token.substr(token.find('.') + 1)), "the token is not base64url");
  expect_refused(verified(token.substr(0, token.size() - 2)), "the token's signature has the wrong length");
  expect_refused(verified(std::string(jwt::max_token_bytes + 1, 'a')), "the token is too long");
}

TEST_F(jwt_token, header_and_payload_must_be_json_objects) {
  for (auto* text : {"", "[]", "\"x\"", "{", "null", R"({"alg":"EdDSA"}x)", "\xff"})
    expect_refused(with_header(text), "the token's header is not a JSON object");
  for (auto* text : {"", "[]", "\"x\"", "{", "null", "\xff"})
    expect_refused(with_payload(text), "the token's payload is not a JSON object");
  std::string deep(3000, '[');
  expect_refused(with_payload(deep), "the token's payload is not a JSON object");
}

TEST_F(jwt_token, a_changed_payload_or_signature_is_refused) {
  auto token = signed_token(key, header_for(key), good_payload);
  auto at = token.rfind('.');
  auto changed_payload = token.substr(0, token.find('.') + 1)
                         + crypto::to_base64url(crypto::as_bytes(payload_with("sub", R"("u2")"))) + token.substr(at);
  expect_refused(verified(changed_payload), "the token's signature does not hold");
  auto changed_signature = token;
  changed_signature[at + 5] = changed_signature[at + 5] == 'A' ? 'B' : 'A';
  expect_refused(verified(changed_signature), "the token's signature does not hold");
}

TEST_F(jwt_token, the_issuer_must_be_one_of_the_accepted_ones) {
  for (auto* iss : {"", R"("https://issuer.test/")", R"("")", "null", "1", R"(["https://issuer.test"])"})
    expect_refused(with_payload(payload_with("iss", iss)), "the token's issuer is not accepted");
}

TEST_F(jwt_token, the_audience_is_a_text_or_a_list_of_texts) {
  EXPECT_TRUE(with_payload(payload_with("aud", R"(["other","mana"])")));
  for (auto* aud : {"", R"("other")", R"("Mana")", "[]", R"(["other"])", R"(["mana",1])", R"([["mana"]])",
                    R"({"mana":true})", "null", "1"})
    expect_refused(with_payload(payload_with("aud", aud)), "the token is for another audience");
}

TEST_F(jwt_token, the_end_must_be_a_number_and_a_date) {
  for (auto* exp :
       {"", R"("1800000060")", "null", "true", "[1800000060]", "-1", "1e400", "1e15", "99999999999999999999999999"})
    expect_refused(with_payload(payload_with("exp", exp)), "the token's exp is missing or not a date");
  EXPECT_TRUE(with_payload(payload_with("exp", "1800000060.5")));
}

TEST_F(jwt_token, it_holds_until_the_moment_of_its_end_and_no_longer) {
  EXPECT_TRUE(with_payload(good_payload, timestamp{1'800'000'059'999ms}));
  expect_refused(with_payload(good_payload, timestamp{1'800'000'060'000ms}), "the token has expired");
}

TEST_F(jwt_token, an_issuer_whose_clock_is_a_little_ahead_is_forgiven) {
  EXPECT_TRUE(with_payload(payload_with("nbf", "1800000030")));
  expect_refused(with_payload(payload_with("nbf", "1800000031")), "the token is not valid yet");
  EXPECT_TRUE(with_payload(payload_with("iat", "1800000030")));
  expect_refused(with_payload(payload_with("iat", "1800000031")), "the token's iat is in the future or not a date");
  expect_refused(with_payload(payload_with("nbf", R"("1")")), "the token is not valid yet");
  EXPECT_TRUE(with_payload(payload_with("nbf", "")));
}

TEST_F(jwt_token, the_subject_is_a_short_text_without_control_characters) {
  std::string longest = '"' + std::string(jwt::max_subject_bytes, 'u') + '"';
  EXPECT_TRUE(with_payload(payload_with("sub", longest)));
  for (auto& sub :
       {std::string{}, std::string{R"("")"}, std::string{"1"}, std::string{"null"}, std::string{R"(["u1"])"},
        std::string{R"("u\u0000")"}, std::string{R"("u\n")"}, longest.insert(1, "u")})
    expect_refused(with_payload(payload_with("sub", sub)), "the token's sub is missing or not an identifier");
}
