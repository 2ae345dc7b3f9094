// The audit_writer with a real pool, while the database does what it can to be in the way.
#include "actors/audit_writer/audit_writer_actor.hpp"

#include "actors/database/database_actor.hpp"
#include "tests/postgres/audit_fixture.hpp"

#include <caf/all.hpp>

namespace mana {
namespace {

using namespace std::chrono_literals;
using testing::one_note;

struct audit_writing : testing::audit_fixture {
  void TearDown() override {
    for (auto& a : actors) {
      self->send_exit(a, caf::exit_reason::user_shutdown);
      self->wait_for(a);
    }
    writer = nullptr;
    actors.clear();
    audit_fixture::TearDown();
  }

  // The deadline is short where it is the answer that is waited for, and long where it must not come.
  void start(std::chrono::milliseconds timeout) {
    audit_writer_config c;
    c.timeout = timeout;
    c.break_off_after = 100ms;
    database_observer unobserved{[](auto&&...) {}, [](std::size_t) {}};
    database_actor pool = sys.spawn<database>(database_config{runner_url(), c.max_parallel}, unobserved);
    writer = sys.spawn<audit_writer>(pool, c, audit_observer{});
    actors = {caf::actor_cast<caf::actor>(writer), caf::actor_cast<caf::actor>(pool)};
  }
  // An answer that is still to come.
  auto ask(const write_audit& w) { return self->request(writer, caf::infinite, w); }
  template <class Question>
  std::optional<errc> answer_of(Question question) {
    std::optional<errc> out;
    question.receive([](audit_written) {}, [&](const caf::error& e) { out = to_failure(e).code; });
    return out;
  }
  std::optional<errc> write(const write_audit& w) { return answer_of(ask(w)); }
  // Until it is written: how long the way back takes is not the matter.
  bool written_in_the_end(const write_audit& w) {
    for (int i = 0; i < 200; ++i)
      if (!write(w))
        return true;
    return false;
  }

  struct config : caf::actor_system_config {
    config() { set("scheduler.max-threads", std::size_t{2}); }
  } cfg;
  caf::actor_system sys{cfg};
  caf::scoped_actor self{sys};
  audit_writer_actor writer;
  std::vector<caf::actor> actors;
};

TEST_F(audit_writing, rows_are_there_when_the_answer_comes) {
  start(1min);
  for (int i = 0; i < 20; ++i)
    ASSERT_EQ(write(one_note("u1")), std::nullopt);
  EXPECT_EQ(verify("u1").rows, 20);
}

TEST_F(audit_writing, many_runs_share_commits_and_leave_whole_chains) {
  start(1min);
  constexpr int runs = 500;
  using question = decltype(ask({}));
  std::vector<question> open;
  for (int i = 0; i < runs; ++i)
    open.push_back(ask(one_note("u" + std::to_string(i % 50))));
  for (auto& q : open)
    EXPECT_EQ(answer_of(std::move(q)), std::nullopt);
  std::int64_t rows = 0;
  for (int u = 0; u < 50; ++u) {
    auto v = verify("u" + std::to_string(u));
    EXPECT_FALSE(v.first_bad) << v.first_bad->problem;
    rows += v.rows;
  }
  EXPECT_EQ(rows, runs);
  EXPECT_LT(std::stoi(query("SELECT count(DISTINCT xmin::text) FROM mana_ai.decrypt_audit")), runs / 2);
}

TEST_F(audit_writing, users_do_not_wait_for_a_busy_chain) {
  start(1min);
  pg::connection other{runner_url()};
  pqxx::work held{other.raw()};
  held.exec("SELECT pg_advisory_xact_lock(mana_ai.audit_lock_key('busy'))");
  auto busy = ask(one_note("busy"));
  EXPECT_EQ(write(one_note("a")), std::nullopt);
  EXPECT_EQ(write(one_note("b")), std::nullopt);
  EXPECT_EQ(verify("busy").rows, 0);
  held.commit();
  EXPECT_EQ(answer_of(std::move(busy)), std::nullopt);
  EXPECT_EQ(verify("busy").rows, 1);
}

TEST_F(audit_writing, a_locked_table_is_unavailable_until_it_is_free) {
  start(300ms);
  pg::connection other{superuser_url()};
  auto w = one_note("u1");
  {
    pqxx::work held{other.raw()};
    held.exec("LOCK TABLE mana_ai.decrypt_audit");
    auto a = ask(w);
    auto b = ask(one_note("u2"));
    auto c = ask(one_note("u3"));
    EXPECT_EQ(answer_of(std::move(a)), errc::audit_unavailable);
    EXPECT_EQ(answer_of(std::move(b)), errc::audit_unavailable);
    EXPECT_EQ(answer_of(std::move(c)), errc::audit_unavailable);
  }
  EXPECT_TRUE(written_in_the_end(w));
  EXPECT_EQ(verify("u1").rows, 1);
}

TEST_F(audit_writing, a_right_that_is_missing_is_unavailable_at_once) {
  start(1min);
  query("REVOKE INSERT ON mana_ai.decrypt_audit FROM mana_ai_runner");
  EXPECT_EQ(write(one_note("u1")), errc::audit_unavailable);
  query("GRANT INSERT ON mana_ai.decrypt_audit TO mana_ai_runner");
  EXPECT_EQ(write(one_note("u1")), std::nullopt);
}

TEST_F(audit_writing, a_row_that_the_table_refuses_spoils_no_other) {
  start(1min);
  query("ALTER TABLE mana_ai.decrypt_audit ADD CHECK (user_id <> 'bad')");
  using question = decltype(ask({}));
  std::vector<question> open;
  for (auto user : {"a", "b", "bad", "c", "d", "bad", "e"})
    open.push_back(ask(one_note(user)));
  std::vector<bool> written;
  for (auto& q : open)
    written.push_back(!answer_of(std::move(q)));
  EXPECT_EQ(written, (std::vector<bool>{true, true, false, true, true, false, true}));
}

// A statement that neither ends nor heeds lock_timeout, as on a server whose disk hangs.
TEST_F(audit_writing, connections_that_hang_are_given_up_and_replaced) {
  query("ALTER ROLE mana_ai_runner IN DATABASE " + query("SELECT current_database()") + " SET statement_timeout = 0");
  query("CREATE FUNCTION public.hang() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(3600); RETURN NEW;"
        " END'");
  query("CREATE TRIGGER hang BEFORE INSERT ON mana_ai.decrypt_audit FOR EACH ROW WHEN (NEW.user_id LIKE 'stuck%')"
        " EXECUTE FUNCTION public.hang()");
  start(300ms);
  auto a = ask(one_note("stuck 1"));
  auto b = ask(one_note("stuck 2"));
  auto c = ask(one_note("u1"));
  EXPECT_EQ(answer_of(std::move(a)), errc::audit_unavailable);
  EXPECT_EQ(answer_of(std::move(b)), errc::audit_unavailable);
  EXPECT_EQ(answer_of(std::move(c)), errc::audit_unavailable);
  EXPECT_TRUE(written_in_the_end(one_note("u1")));
}

TEST_F(audit_writing, a_server_that_drops_its_sessions_costs_a_repetition) {
  start(1min);
  ASSERT_EQ(write(one_note("u1")), std::nullopt);
  query("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'mana_ai_runner' AND datname ="
        " current_database()");
  EXPECT_EQ(write(one_note("u1")), std::nullopt);
  runner = std::make_unique<pg::connection>(runner_url());
  EXPECT_EQ(verify("u1").rows, 2);
}

} // namespace
} // namespace mana
