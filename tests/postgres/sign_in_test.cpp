// Users, sessions and the limits on guessing, with the auth login's rights.
#include "actors/database/database_actor.hpp"
#include "actors/sign_in/password_hasher_actor.hpp"
#include "actors/sign_in/sign_in_actor.hpp"
#include "infra/crypto/base64.hpp"
#include "infra/jwt/token.hpp"
#include "tests/postgres/database_fixture.hpp"
#include "tests/unit/jwt/test_tokens.hpp"

#include <atomic>
#include <thread>

using namespace std::chrono_literals;
using namespace mana;

namespace {

timestamp wall_clock() { return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()); }

crypto::digest token_number(int n) { return crypto::sha256(crypto::as_bytes("token " + std::to_string(n))); }

// Time is a parameter of the functions: `at` counts in seconds.
struct sign_in_functions : mana::testing::database_fixture {
  void SetUp() override {
    database_fixture::SetUp();
    db = std::make_unique<pg::connection>(auth_url());
    user.value = db->exec("SELECT mana_auth.register_user('Ada', '$scrypt$test')")[0][0].as<std::string>();
  }
  void TearDown() override {
    db.reset();
    database_fixture::TearDown();
  }

  static std::string time(int at) {
    return "timestamptz '2026-01-01T00:00:00Z' + " + std::to_string(at) + " * interval '1 second'";
  }

  // The wait in seconds, rounded up; 0: the attempt was counted.
  std::int64_t attempt(const std::string& name, const std::string& address, int at) {
    auto row = db->exec("SELECT coalesce(ceil(retry_after_ms / 1000.0), 0)::bigint, attempt"
                        " FROM mana_auth.begin_sign_in(nullif($1, ''), $2, "
                            + time(at) + ")",
                        name, address)[0];
    if (!row[1].is_null())
      last_attempt = row[1].as<std::int64_t>();
    return row[0].as<std::int64_t>();
  }
  void succeed(int token, int at) {
    db->exec("SELECT mana_auth.open_session($1, $2, $3::bytea, 1000000, " + time(at) + ")", last_attempt, user.value,
             hex(token));
  }
  std::string rotate(int token, int next, int at) {
    return db
        ->exec("SELECT outcome FROM mana_auth.rotate_refresh_token($1::bytea, $2::bytea, 1000000, 10000, " + time(at)
                   + ")",
               hex(token), hex(next))[0][0]
        .as<std::string>();
  }
  void sign_in_at(int token, int at) {
    ASSERT_EQ(attempt("Ada", "192.0.2.1", at), 0);
    succeed(token, at);
  }
  static std::string hex(int token) { return "\\x" + crypto::to_hex(token_number(token)); }

  std::unique_ptr<pg::connection> db;
  user_id user;
  std::int64_t last_attempt = 0;
};

} // namespace

TEST_F(sign_in_functions, a_name_is_unique_whatever_the_case_of_its_letters) {
  EXPECT_TRUE(db->exec("SELECT mana_auth.register_user('aDA', '$scrypt$test')")[0][0].is_null());
  EXPECT_FALSE(db->exec("SELECT mana_auth.register_user('Ada L', '$scrypt$test')")[0][0].is_null());
  EXPECT_EQ(begin_sign_in(*db, "ADA", "192.0.2.1").user, user);
}

TEST_F(sign_in_functions, three_tries_are_free_and_then_the_pauses_double) {
  int at = 0;
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(attempt("Ada", "192.0.2.1", at), 0);
  for (int pause : {1, 2, 4, 8, 16, 32, 64}) {
    EXPECT_EQ(attempt("ada", "192.0.2.2", at), pause);
    at += pause;
    EXPECT_EQ(attempt("ada", "192.0.2.3", at), 0);
  }
  EXPECT_EQ(attempt("Ada", "192.0.2.4", at), 900 - at) << "the tenth failure closes the name for the window";
  EXPECT_EQ(attempt("Ada", "192.0.2.4", 901 + at), 0);
}

TEST_F(sign_in_functions, a_name_that_nobody_has_is_limited_alike) {
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(attempt("nobody", "192.0.2.1", 0), 0);
  EXPECT_EQ(attempt("nobody", "192.0.2.1", 0), 1);
}

TEST_F(sign_in_functions, an_address_has_fifty_attempts_whatever_the_names) {
  for (int i = 0; i < 50; ++i)
    ASSERT_EQ(attempt("name " + std::to_string(i), "192.0.2.1", 0), 0);
  EXPECT_EQ(attempt("one more", "192.0.2.1", 0), 900);
  EXPECT_EQ(attempt("", "192.0.2.1", 0), 900) << "registrations count as well";
  EXPECT_EQ(attempt("one more", "192.0.2.2", 0), 0);
  EXPECT_EQ(attempt("one more", "192.0.2.1", 901), 0);
}

TEST_F(sign_in_functions, success_forgets_the_failures_of_the_name_but_not_of_the_address) {
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(attempt("Ada", "192.0.2.1", 0), 0);
  sign_in_at(1, 1);
  EXPECT_EQ(query("SELECT count(*) FROM mana_auth.sign_in_attempts WHERE name_key IS NOT NULL"), "0");
  EXPECT_EQ(query("SELECT count(*) FROM mana_auth.sign_in_attempts"), "3");
}

TEST_F(sign_in_functions, attempts_are_forgotten_after_the_window) {
  EXPECT_EQ(attempt("Ada", "192.0.2.1", 0), 0);
  EXPECT_EQ(attempt("someone", "192.0.2.2", 1'000), 0);
  EXPECT_EQ(query("SELECT count(*) FROM mana_auth.sign_in_attempts"), "1");
}

TEST_F(sign_in_functions, parallel_guesses_do_not_pass_the_limit_together) {
  std::atomic<int> counted{0};
  std::vector<std::thread> guessers;
  for (int i = 0; i < 8; ++i)
    guessers.emplace_back([&, url = auth_url()] {
      pg::connection own{url};
      auto wait = own.exec("SELECT retry_after_ms FROM mana_auth.begin_sign_in('Ada', '192.0.2.1', " + time(0) + ")");
      if (wait[0][0].is_null())
        ++counted;
    });
  for (auto& g : guessers)
    g.join();
  EXPECT_EQ(counted, 3);
}

TEST_F(sign_in_functions, a_token_is_replaced_each_time_it_is_used) {
  sign_in_at(1, 0);
  EXPECT_EQ(rotate(1, 2, 100), "rotated");
  EXPECT_EQ(rotate(2, 3, 200), "rotated");
  EXPECT_EQ(rotate(99, 4, 200), "unknown");
}

TEST_F(sign_in_functions, a_used_token_that_comes_back_ends_its_session) {
  sign_in_at(1, 0);
  sign_in_at(10, 0);
  EXPECT_EQ(rotate(1, 2, 100), "rotated");
  EXPECT_EQ(rotate(1, 3, 110), "reused");
  EXPECT_EQ(rotate(2, 4, 111), "ended");
  EXPECT_EQ(rotate(1, 5, 111), "ended");
  EXPECT_EQ(rotate(10, 11, 111), "rotated") << "another session of the user is not touched";
}

TEST_F(sign_in_functions, two_tabs_that_refresh_at_once_both_go_on) {
  sign_in_at(1, 0);
  EXPECT_EQ(rotate(1, 2, 100), "rotated");
  EXPECT_EQ(rotate(1, 3, 109), "rotated");
  EXPECT_EQ(rotate(3, 4, 200), "rotated") << "whichever of the two cookies the browser kept";
}

TEST_F(sign_in_functions, the_grace_is_for_the_token_just_replaced_only) {
  sign_in_at(1, 0);
  EXPECT_EQ(rotate(1, 2, 100), "rotated");
  EXPECT_EQ(rotate(2, 3, 101), "rotated");
  EXPECT_EQ(rotate(1, 4, 102), "reused");
}

TEST_F(sign_in_functions, a_twin_of_the_grace_does_not_outlive_the_next_rotation) {
  sign_in_at(1, 0);
  EXPECT_EQ(rotate(1, 2, 100), "rotated");
  EXPECT_EQ(rotate(1, 3, 105), "rotated");
  EXPECT_EQ(rotate(2, 4, 200), "rotated");
  EXPECT_EQ(rotate(3, 5, 300), "reused");
}

TEST_F(sign_in_functions, a_session_ends_when_it_is_not_used) {
  sign_in_at(1, 0);
  EXPECT_EQ(rotate(1, 2, 999), "rotated");
  EXPECT_EQ(rotate(2, 3, 1998), "rotated") << "each use prolongs it";
  EXPECT_EQ(rotate(3, 4, 2998), "ended");
}

TEST_F(sign_in_functions, logging_out_ends_the_session_with_any_of_its_tokens) {
  sign_in_at(1, 0);
  EXPECT_EQ(rotate(1, 2, 100), "rotated");
  end_session(*db, token_number(1));
  EXPECT_EQ(rotate(2, 3, 101), "ended");
  end_session(*db, token_number(99)); // of nobody: nothing happens
}

TEST_F(sign_in_functions, parallel_refreshes_with_one_token_all_succeed) {
  ASSERT_EQ(attempt("Ada", "192.0.2.1", 0), 0);
  open_session(*db, last_attempt, user, token_number(1), 1h);
  std::atomic<int> rotated{0};
  std::vector<std::thread> tabs;
  for (int i = 0; i < 6; ++i)
    tabs.emplace_back([&, i, url = auth_url()] {
      pg::connection own{url};
      // A grace that a slow machine cannot outlast.
      if (rotate_refresh_token(own, token_number(1), token_number(100 + i), 1h, 1h).outcome == rotation::rotated)
        ++rotated;
    });
  for (auto& t : tabs)
    t.join();
  EXPECT_EQ(rotated, 6);
}

TEST_F(sign_in_functions, the_login_itself_sees_and_changes_none_of_the_tables) {
  for (auto* table : {"users", "sign_in_sessions", "refresh_tokens", "sign_in_attempts"})
    for (auto* statement : {"SELECT count(*) FROM mana_auth.", "DELETE FROM mana_auth."}) {
      auto refused = pg::attempt([&] { return db->exec(std::string{statement} + table); });
      ASSERT_FALSE(refused) << statement << table;
      EXPECT_EQ(refused.error().code, errc::database_refused);
    }
  EXPECT_EQ(query("SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                  " WHERE n.nspname = 'mana_auth' AND c.relname IN ('users', 'sign_in_sessions', 'refresh_tokens')"
                  " AND c.relrowsecurity AND c.relforcerowsecurity"),
            "3");
}

TEST_F(sign_in_functions, nothing_stored_is_a_token_or_an_address) {
  sign_in_at(1, 0);
  EXPECT_EQ(attempt("Ada", "192.0.2.77", 1), 0);
  EXPECT_EQ(query("SELECT string_agg(a::text, '') FROM mana_auth.sign_in_attempts a").find("192.0.2.77"),
            std::string::npos);
  EXPECT_EQ(query("SELECT encode(token_hash, 'hex') FROM mana_auth.refresh_tokens"), crypto::to_hex(token_number(1)));
}

// -- the actor ------------------------------------------------------------------------------------------

namespace {

struct sign_in_service : mana::testing::database_fixture {
  void SetUp() override {
    database_fixture::SetUp();
    database_observer silent;
    silent.job = [](const char*, std::chrono::nanoseconds, std::chrono::nanoseconds, bool) {};
    silent.queue_depth = [](std::size_t) {};
    database = sys.spawn<mana::database>(database_config{auth_url(), 2}, silent);
    hasher = sys.spawn<password_hasher>(password_hasher_config{});
    sign_in_deps deps;
    deps.database = database;
    deps.hasher = hasher;
    deps.now = wall_clock;
    deps.token_reused = [this](const user_id& u) { reused_by = u.value; };
    sign_in_config config;
    config.issuer = "https://issuer.test";
    config.audience = "mana";
    config.rotation_grace = 0ms;
    service = sys.spawn<sign_in>(config, key, deps);
  }
  void TearDown() override {
    caf::scoped_actor self{sys};
    for (auto a : {caf::actor_cast<caf::actor>(service), caf::actor_cast<caf::actor>(hasher),
                   caf::actor_cast<caf::actor>(database)})
      if (a) {
        self->send_exit(a, caf::exit_reason::user_shutdown);
        self->wait_for(a);
      }
    service = nullptr;
    hasher = nullptr;
    database = nullptr;
    database_fixture::TearDown();
  }

  template <class Reply, class Message>
  result<Reply> ask(Message m) {
    result<Reply> r = failure{};
    caf::scoped_actor self{sys};
    self->request(service, caf::infinite, std::move(m))
        .receive([&](Reply& answer) { r = std::move(answer); }, [&](const caf::error& e) { r = to_failure(e); });
    return r;
  }
  static shared_password password(std::string_view text) { return std::make_shared<const sensitive_text>(text); }
  result<registered_user> sign_up(const std::string& name) {
    return ask<registered_user>(register_user{name, password("correct horse"), "192.0.2.1"});
  }
  result<session_tokens> log_in_with(const std::string& name, std::string_view word) {
    return ask<session_tokens>(log_in{name, password(word), "192.0.2.1"});
  }

  caf::actor_system_config caf_config;
  caf::actor_system sys{caf_config};
  crypto::signing_key key = mana::testing::fresh_signing_key();
  database_actor database;
  password_hasher_actor hasher;
  sign_in_actor service;
  std::string reused_by;
};

} // namespace

TEST_F(sign_in_service, whoever_registers_signs_in_and_gets_a_token_that_verifies) {
  auto user = sign_up(" Ada ");
  ASSERT_TRUE(user) << user.error().detail;
  auto session = log_in_with("aDa", "correct horse");
  ASSERT_TRUE(session) << session.error().detail;
  EXPECT_EQ(session->user, user->user);
  auto claims = jwt::verify(
      session->access_token, [&](std::string_view) { return &key.public_key(); }, mana::testing::test_expectations(),
      wall_clock());
  ASSERT_TRUE(claims) << claims.error().detail;
  EXPECT_EQ(claims->subject, user->user.value);
  EXPECT_EQ(claims->expires_at, session->expires_at);
}

TEST_F(sign_in_service, a_name_is_taken_once) {
  ASSERT_TRUE(sign_up("Ada"));
  auto again = sign_up("ADA");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, errc::name_taken);
}

TEST_F(sign_in_service, a_wrong_password_and_an_unknown_name_are_told_alike) {
  ASSERT_TRUE(sign_up("Ada"));
  auto wrong = log_in_with("Ada", "correct house");
  auto unknown = log_in_with("Bea", "correct house");
  ASSERT_FALSE(wrong);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(wrong.error().code, errc::unauthorized);
  EXPECT_EQ(wrong.error(), unknown.error());
}

TEST_F(sign_in_service, too_many_wrong_passwords_close_the_name_for_the_right_one_too) {
  ASSERT_TRUE(sign_up("Ada"));
  // Failures of a moment ago, so that no clock decides: the next try is more than a minute away.
  query("INSERT INTO mana_auth.sign_in_attempts (name_key, address_key, at)"
        " SELECT sha256('ada'), 'x', now() FROM generate_series(1, 10) RETURNING 1");
  auto refused = log_in_with("Ada", "correct horse");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::rate_limited);
}

TEST_F(sign_in_service, a_refreshed_session_has_new_tokens_and_the_old_one_ends_it) {
  ASSERT_TRUE(sign_up("Ada"));
  auto first = log_in_with("Ada", "correct horse");
  ASSERT_TRUE(first);
  auto second = ask<session_tokens>(refresh_session{first->refresh_token});
  ASSERT_TRUE(second) << second.error().detail;
  EXPECT_NE(second->refresh_token, first->refresh_token);
  EXPECT_EQ(second->user, first->user);
  auto stolen = ask<session_tokens>(refresh_session{first->refresh_token});
  ASSERT_FALSE(stolen);
  EXPECT_EQ(stolen.error().code, errc::unauthorized);
  EXPECT_EQ(reused_by, first->user.value);
  EXPECT_FALSE(ask<session_tokens>(refresh_session{second->refresh_token}));
}

TEST_F(sign_in_service, after_logging_out_the_token_is_worth_nothing) {
  ASSERT_TRUE(sign_up("Ada"));
  auto session = log_in_with("Ada", "correct horse");
  ASSERT_TRUE(session);
  EXPECT_TRUE(ask<logged_out>(log_out{session->refresh_token}));
  EXPECT_FALSE(ask<session_tokens>(refresh_session{session->refresh_token}));
  EXPECT_TRUE(ask<logged_out>(log_out{"not a token"}));
}

TEST_F(sign_in_service, names_and_passwords_out_of_bounds_never_reach_the_database) {
  EXPECT_EQ(sign_up("").error().detail, "name: must have 1 to 64 characters");
  EXPECT_EQ(log_in_with("Ada", "short").error().detail, "password: must have 8 to 200 bytes");
  EXPECT_EQ(query("SELECT count(*) FROM mana_auth.sign_in_attempts"), "0");
}
