// The audit_writer under virtual time, with a database that answers when the test says so.
#include "actors/audit_writer/audit_writer_actor.hpp"

#include "tests/actors/virtual_time.hpp"

#include <deque>
#include <optional>

namespace mana::test {

namespace {

// Ends the n-th of the jobs under way, in the order they came: with a value, or with an error.
struct end_job {
  std::size_t n = 0;
  std::optional<audit_appended> appended;
  errc why_not = errc::internal;
};

} // namespace

} // namespace mana::test

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::test::end_job)

namespace mana::test {

namespace {

using namespace std::chrono_literals;

using pool_actor = database_actor::extend<caf::reacts_to<end_job>>;

struct slow_pool {
  slow_pool() = default;
  std::deque<caf::typed_response_promise<database_answer>> jobs;
};

pool_actor::behavior_type fake_pool(pool_actor::stateful_pointer<slow_pool> self, std::size_t* under_way) {
  return {
      [self, under_way](const database_job&) -> caf::result<database_answer> {
        self->state.jobs.push_back(self->make_response_promise<database_answer>());
        *under_way = self->state.jobs.size();
        return self->state.jobs.back();
      },
      [](get_database_status) { return database_status{}; },
      [self, under_way](const end_job& e) {
        auto job = self->state.jobs.begin() + static_cast<std::ptrdiff_t>(e.n);
        if (e.appended)
          job->deliver(database_answer{e.appended});
        else
          job->deliver(caf::make_error(e.why_not, std::string{"detail"}));
        self->state.jobs.erase(job);
        *under_way = self->state.jobs.size();
      },
  };
}

write_audit rows_of(const std::string& user, std::size_t n = 1) {
  write_audit w;
  w.held = {{{user}, {"m"}}, {"token of " + user}};
  w.events.resize(n, {"notes", "n", decrypt_status::ok, ""});
  return w;
}

struct audit_writer_test : virtual_time {
  audit_writer_test() {
    config.timeout = 5s;
    start();
  }
  ~audit_writer_test() override {
    writer = nullptr;
    pool = nullptr;
    stop_all(); // while the observer's targets are there
  }

  void start() {
    stop_all();
    under_way = 0;
    pool = keep(sys_.spawn(fake_pool, &under_way));
    audit_observer o;
    o.committed = [this](std::size_t rows) { commits.push_back(rows); };
    o.found = [this](std::size_t rows) { found += rows; };
    o.given_up = [this](std::size_t rows) { given_up += rows; };
    o.answered = [this](std::chrono::nanoseconds, bool written) { written ? ++written_count : ++unavailable_count; };
    o.failed = [this](const failure& f) { failures.push_back(f.code); };
    writer = keep(audit_writer_actor{sys_.spawn<audit_writer>(pool, config, o)});
  }

  auto write(const std::string& user, std::size_t n = 1) { return ask<audit_written>(writer, rows_of(user, n)); }

  std::size_t jobs() const { return under_way; }
  void commit(std::size_t rows, std::vector<user_id> busy = {}, std::size_t n = 0) {
    caf::anon_send(pool, end_job{n, audit_appended{rows, std::move(busy)}});
    run();
  }
  void fail(errc code) {
    caf::anon_send(pool, end_job{0, std::nullopt, code});
    run();
  }

  audit_writer_config config;
  std::size_t under_way = 0;
  pool_actor pool;
  audit_writer_actor writer;
  std::vector<std::size_t> commits;
  std::vector<errc> failures;
  std::size_t found = 0;
  std::size_t given_up = 0;
  int written_count = 0;
  int unavailable_count = 0;
};

errc code_of(const std::shared_ptr<outcome<audit_written>>& o) {
  return o->error ? to_failure(*o->error).code : errc::internal;
}

TEST_F(audit_writer_test, answers_after_the_commit_and_not_before) {
  auto a = write("a");
  advance(1s);
  EXPECT_FALSE(a->value || a->error);
  commit(1);
  EXPECT_TRUE(a->value);
  EXPECT_EQ(commits, std::vector<std::size_t>{1});
  EXPECT_EQ(written_count, 1);
}

// Every row that was asked for is in one of the three counts: an alert compares them with the decrypts.
TEST_F(audit_writer_test, rows_are_committed_found_or_given_up) {
  config.max_rows_per_request = 10;
  start();
  write("a", 3);
  commit(3);
  EXPECT_EQ(commits, std::vector<std::size_t>{3});
  EXPECT_EQ(found, 0u);
  write("in doubt", 4);
  commit(1);
  EXPECT_EQ(found, 3u);
  write("too many", 11);
  EXPECT_EQ(given_up, 11u);
  write("late", 2);
  advance(6s);
  EXPECT_EQ(given_up, 13u);
}

TEST_F(audit_writer_test, rows_of_a_busy_user_are_not_counted_yet) {
  config.max_parallel = 1;
  start();
  write("x");
  write("a", 2);
  write("busy", 5);
  commit(1);
  commit(2, {{"busy"}});
  EXPECT_EQ(found, 0u);
  EXPECT_EQ(given_up, 0u);
}

TEST_F(audit_writer_test, nothing_to_record_needs_no_commit) {
  EXPECT_TRUE(write("a", 0)->value);
  EXPECT_EQ(jobs(), 0u);
}

TEST_F(audit_writer_test, what_arrives_during_a_commit_shares_the_next_one) {
  write("a");
  write("b");
  for (auto user : {"c", "d", "e"})
    write(user);
  EXPECT_EQ(jobs(), 2u);
  commit(1);
  EXPECT_EQ(jobs(), 2u);
  commit(1);
  commit(3);
  EXPECT_EQ(commits, (std::vector<std::size_t>{1, 1, 3}));
  EXPECT_EQ(written_count, 5);
}

TEST_F(audit_writer_test, a_user_is_in_one_batch_at_a_time) {
  write("a");
  auto second = write("a");
  EXPECT_EQ(jobs(), 1u);
  auto other = write("b");
  EXPECT_EQ(jobs(), 2u);
  commit(1);
  EXPECT_FALSE(second->value);
  EXPECT_EQ(jobs(), 2u);
  commit(1);
  EXPECT_TRUE(other->value);
  commit(1);
  EXPECT_TRUE(second->value);
}

TEST_F(audit_writer_test, a_batch_is_limited_in_requests_and_rows) {
  config.max_parallel = 1;
  config.max_batch_requests = 3;
  config.max_batch_rows = 10;
  start();
  write("a");
  for (auto user : {"b", "c", "d", "e"})
    write(user);
  write("large", 50);
  commit(1);
  commit(3); // b c d
  commit(1); // e
  commit(50);
  EXPECT_EQ(written_count, 6);
  EXPECT_EQ(jobs(), 0u);
}

TEST_F(audit_writer_test, the_answer_comes_at_the_deadline_while_the_database_hangs) {
  auto a = write("a");
  advance(4'900ms);
  EXPECT_FALSE(a->error);
  advance(200ms);
  EXPECT_EQ(code_of(a), errc::audit_unavailable);
  EXPECT_EQ(unavailable_count, 1);
}

TEST_F(audit_writer_test, a_commit_after_the_deadline_changes_no_answer) {
  auto a = write("a");
  advance(6s);
  commit(1);
  EXPECT_EQ(code_of(a), errc::audit_unavailable);
  EXPECT_FALSE(a->value);
  EXPECT_EQ(written_count, 0);
}

TEST_F(audit_writer_test, requests_that_wait_behind_hanging_connections_get_their_answer_too) {
  write("a");
  write("b");
  auto c = write("c");
  advance(3s);
  auto d = write("d");
  advance(2'100ms);
  EXPECT_EQ(code_of(c), errc::audit_unavailable);
  EXPECT_FALSE(d->error);
  advance(3s);
  EXPECT_EQ(code_of(d), errc::audit_unavailable);
  // Nobody waits for them any more.
  commit(1);
  commit(1);
  EXPECT_EQ(jobs(), 0u);
}

TEST_F(audit_writer_test, one_hanging_connection_leaves_the_other_for_other_users) {
  write("a");
  for (int i = 0; i < 3; ++i) {
    auto b = write("b");
    EXPECT_EQ(jobs(), 2u);
    commit(1, {}, 1);
    EXPECT_TRUE(b->value);
  }
}

TEST_F(audit_writer_test, a_busy_user_waits_alone_and_is_tried_again) {
  config.max_parallel = 1;
  start();
  write("x");
  auto a = write("a");
  auto busy = write("busy");
  commit(1);
  commit(1, {{"busy"}});
  EXPECT_TRUE(a->value);
  EXPECT_FALSE(busy->value || busy->error);
  auto b = write("b");
  EXPECT_EQ(jobs(), 1u);
  commit(1);
  EXPECT_TRUE(b->value);
  EXPECT_EQ(jobs(), 0u);
  advance(10ms, 1ms);
  EXPECT_EQ(jobs(), 1u);
  commit(1);
  EXPECT_TRUE(busy->value);
  EXPECT_TRUE(failures.empty());
}

TEST_F(audit_writer_test, a_user_who_stays_busy_is_answered_at_the_deadline) {
  auto busy = write("busy");
  for (int i = 0; i < 520 && !busy->error; ++i) {
    if (jobs() > 0)
      commit(0, {{"busy"}});
    advance(10ms, 10ms);
  }
  EXPECT_EQ(code_of(busy), errc::audit_unavailable);
}

TEST_F(audit_writer_test, a_commit_in_doubt_and_a_lost_connection_are_repeated) {
  for (auto code : {errc::commit_in_doubt, errc::database_unavailable, errc::database_timeout, errc::database_read_only,
                    errc::database_overloaded}) {
    auto a = write("a");
    fail(code);
    EXPECT_FALSE(a->value || a->error) << to_string(code);
    advance(200ms);
    ASSERT_EQ(jobs(), 1u) << to_string(code);
    commit(0); // it was there already
    EXPECT_TRUE(a->value) << to_string(code);
  }
  EXPECT_EQ(failures.size(), 5u);
}

TEST_F(audit_writer_test, a_request_that_is_refused_spoils_no_other) {
  config.max_parallel = 1;
  start();
  write("x");
  auto good = write("good");
  auto bad = write("bad");
  auto fine = write("fine");
  commit(1);
  fail(errc::database_refused);
  commit(1);
  fail(errc::database_refused);
  commit(1);
  EXPECT_TRUE(good->value);
  EXPECT_EQ(code_of(bad), errc::audit_unavailable);
  EXPECT_TRUE(fine->value);
}

TEST_F(audit_writer_test, more_rows_than_a_run_can_have_are_refused_at_once) {
  config.max_rows_per_request = 10;
  start();
  EXPECT_EQ(code_of(write("a", 11)), errc::audit_unavailable);
  EXPECT_EQ(jobs(), 0u);
}

TEST_F(audit_writer_test, its_end_answers_everybody) {
  auto a = write("a");
  auto b = write("b");
  auto c = write("c");
  caf::anon_send_exit(writer, caf::exit_reason::user_shutdown);
  run();
  for (auto& o : {a, b, c})
    EXPECT_EQ(code_of(o), errc::shutting_down);
}

TEST(decrypt_status, has_the_words_of_the_contract) {
  EXPECT_EQ(to_string(decrypt_status::ok), "ok");
  EXPECT_EQ(to_string(decrypt_status::failed), "failed");
  EXPECT_EQ(to_string(decrypt_status::scope_violation), "scope-violation");
}

} // namespace

} // namespace mana::test
