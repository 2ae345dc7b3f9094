#include "actors/token_keys/token_keys_actor.hpp"

#include "tests/net/actor_calls.hpp"
#include "tests/net/fault_server.hpp"
#include "tests/unit/jwt/test_tokens.hpp"

#include <gtest/gtest.h>

#include <thread>

using namespace std::chrono_literals;
using namespace mana;
using test::fault_reply;
using test::fault_server;
using test::http_reply;
using test::seen_request;
using kind = test::fault_reply::kind;

namespace {

fault_reply jwks_of(std::vector<crypto::signing_key> keys) { return {kind::text, http_reply(200, jwt::to_jwks(keys))}; }

struct token_keys_test : ::testing::Test {
  token_keys_test() {
    // Only what a test shortens happens within it.
    cfg.refresh_interval = 1h;
    cfg.min_pause = 1h;
    cfg.total_timeout = 1min;
  }
  ~token_keys_test() override { stop(); }

  void start(const fault_server& server) {
    cfg.url = server.url();
    auto spawned = spawn_token_keys(sys, loop, cfg);
    ASSERT_TRUE(spawned) << spawned.error().detail;
    keys = *spawned;
  }
  void stop() { mana::testing::end_actor(sys, keys); }
  result<token_key> find(const std::string& kid) {
    return mana::testing::ask_actor<token_key>(sys, keys, find_token_key{kid});
  }
  void expect_refused(const std::string& kid, const std::string& why) {
    auto r = find(kid);
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().code, errc::unauthorized);
    EXPECT_EQ(r.error().detail, why);
  }

  static constexpr const char* not_known = "the token's key is not known";
  static constexpr const char* cannot_fetch = "the keys of the tokens' issuer cannot be fetched";
  crypto::signing_key first = mana::testing::fresh_signing_key();
  crypto::signing_key second = mana::testing::fresh_signing_key();
  caf::actor_system_config caf_config;
  caf::actor_system sys{caf_config};
  io_loop loop{sys};
  token_keys_config cfg;
  token_keys_actor keys;
};

} // namespace

TEST_F(token_keys_test, asks_the_issuer_once_and_answers_from_memory) {
  fault_server server{[this](const seen_request& r) {
    EXPECT_TRUE(r.head.starts_with("GET /api/v1/auth/jwks HTTP/1.1\r\n")) << r.head;
    return jwks_of({first, second});
  }};
  start(server);
  for (auto* key : {&first, &second, &first}) {
    auto found = find(key->key_id());
    ASSERT_TRUE(found) << found.error().detail;
    EXPECT_EQ(found->ed25519, key->public_key());
  }
  EXPECT_EQ(server.counts().requests, 1);
}

TEST_F(token_keys_test, a_kid_it_does_not_know_makes_it_look_again) {
  cfg.min_pause = 0ms;
  fault_server server{[this](const seen_request& r) { return r.number == 0 ? jwks_of({first}) : jwks_of({second}); }};
  start(server);
  ASSERT_TRUE(find(first.key_id()));
  EXPECT_TRUE(find(second.key_id()));
  expect_refused(first.key_id(), not_known);
}

TEST_F(token_keys_test, a_flood_of_unknown_kids_costs_one_request_per_pause) {
  fault_server server{jwks_of({first})};
  start(server);
  ASSERT_TRUE(find(first.key_id()));
  for (int i = 0; i < 100; ++i)
    expect_refused("made up " + std::to_string(i), not_known);
  EXPECT_EQ(server.counts().requests, 1);
}

TEST_F(token_keys_test, all_who_ask_during_a_fetch_wait_for_that_one) {
  fault_server server{[this](const seen_request&) { return fault_reply{kind::hold, jwks_of({first}).text}; }};
  start(server);
  ASSERT_TRUE(server.wait_for([](auto& c) { return c.held == 1; }));
  std::atomic<int> found{0};
  std::vector<std::thread> askers;
  for (int i = 0; i < 4; ++i)
    askers.emplace_back([&] { found += find(first.key_id()) ? 1 : 0; });
  server.release();
  for (auto& a : askers)
    a.join();
  EXPECT_EQ(found, 4);
  EXPECT_EQ(server.counts().requests, 1);
}

TEST_F(token_keys_test, the_last_good_set_stays_while_the_issuer_is_down) {
  cfg.min_pause = 0ms;
  fault_server server{[this](const seen_request& r) {
    return r.number == 0 ? jwks_of({first}) : fault_reply{kind::text, http_reply(500, "{}")};
  }};
  start(server);
  ASSERT_TRUE(find(first.key_id()));
  expect_refused(second.key_id(), not_known);
  EXPECT_GE(server.counts().requests, 2);
  EXPECT_TRUE(find(first.key_id()));
}

TEST_F(token_keys_test, it_refreshes_in_the_background) {
  cfg.refresh_interval = 1ms;
  fault_server server{jwks_of({first})};
  start(server);
  EXPECT_TRUE(server.wait_for([](auto& c) { return c.requests >= 3; }));
}

TEST_F(token_keys_test, after_a_failure_it_tries_again_by_itself) {
  cfg.min_pause = 1ms;
  fault_server server{[this](const seen_request& r) {
    return r.number < 2 ? fault_reply{kind::close, ""} : jwks_of({first});
  }};
  start(server);
  EXPECT_TRUE(server.wait_for([](auto& c) { return c.answers >= 1; }));
}

TEST_F(token_keys_test, an_issuer_that_answers_badly_gives_no_keys) {
  const std::string replies[] = {http_reply(404, jwt::to_jwks(std::vector{first})), http_reply(200, "<html>"),
                                 http_reply(200, R"({"keys":[]})" + std::string(jwt::max_key_set_bytes, ' ')),
                                 "not HTTP at all\r\n\r\n"};
  for (auto& reply : replies) {
    fault_server server{fault_reply{kind::close, reply}};
    start(server);
    expect_refused(first.key_id(), cannot_fetch);
    stop();
  }
}

TEST_F(token_keys_test, an_issuer_that_never_answers_is_given_up) {
  cfg.total_timeout = 50ms;
  fault_server server{fault_reply{kind::hang, ""}};
  start(server);
  expect_refused(first.key_id(), cannot_fetch);
}

TEST_F(token_keys_test, whoever_waits_when_it_stops_is_answered) {
  fault_server server{fault_reply{kind::hang, ""}};
  start(server);
  ASSERT_TRUE(server.wait_for([](auto& c) { return c.requests == 1; }));
  auto asked = sys.spawn(
      [this](caf::event_based_actor* self, const token_keys_actor& k) {
        self->request(k, caf::infinite, find_token_key{first.key_id()})
            .then([](const token_key&) { ADD_FAILURE(); },
                  [](const caf::error& e) { EXPECT_EQ(to_failure(e).code, errc::cancelled); });
      },
      keys);
  stop();
  caf::scoped_actor self{sys};
  self->wait_for(asked);
}

TEST_F(token_keys_test, a_url_that_is_none_is_refused_at_start) {
  cfg.url = "nowhere";
  auto spawned = spawn_token_keys(sys, loop, cfg);
  ASSERT_FALSE(spawned);
  EXPECT_EQ(spawned.error().code, errc::config_invalid);
}
