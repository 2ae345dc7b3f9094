// The iteration_writer under virtual time, with a database that answers when the test says so: what it says of failures
// that its requesters will repeat.
#include "actors/iteration_writer/iteration_writer_actor.hpp"

#include "tests/actors/virtual_time.hpp"

#include <deque>
#include <optional>

namespace mana::test {

namespace {

// Ends the oldest job under way: with an answer for each of its runs, or as a whole.
struct end_job {
  std::vector<std::optional<errc>> runs; // none: written
  std::optional<errc> why_not;
};

} // namespace

} // namespace mana::test

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::test::end_job)

namespace mana::test {

namespace {

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
        auto job = std::move(self->state.jobs.front());
        self->state.jobs.pop_front();
        *under_way = self->state.jobs.size();
        std::vector<result<run_ended>> answers;
        for (auto& why_not : e.runs)
          answers.push_back(why_not ? result<run_ended>{failure{*why_not, "detail"}} : run_ended{true});
        if (e.why_not)
          job.deliver(caf::make_error(*e.why_not, std::string{"detail"}));
        else
          job.deliver(database_answer{std::move(answers)});
      },
  };
}

struct iteration_writer_test : virtual_time {
  iteration_writer_test() {
    pool = keep(sys_.spawn(fake_pool, &under_way));
    write_observer o;
    o.written = [this] { ++written; };
    o.failed = [this](const failure& f) { failures.push_back(f.code); };
    writer = keep(iteration_writer_actor{sys_.spawn<iteration_writer>(pool, write_policy{}, o)});
  }
  ~iteration_writer_test() override {
    writer = nullptr;
    pool = nullptr;
    stop_all(); // while the observer's targets are there
  }

  auto end(const std::string& mission, const std::string& user = "u") {
    end_run r;
    r.held = {{{user}, {mission}}, {"token of " + mission}};
    return ask<run_ended>(writer, r);
  }
  void answer(std::vector<std::optional<errc>> runs) { end_oldest({std::move(runs), {}}); }
  void fail(errc why) { end_oldest({{}, why}); }
  void end_oldest(end_job how) {
    caf::anon_send(pool, std::move(how));
    run();
  }

  std::size_t under_way = 0;
  pool_actor pool;
  iteration_writer_actor writer;
  std::vector<errc> failures;
  int written = 0;
};

errc code_of(const std::shared_ptr<outcome<run_ended>>& o) {
  return o->error ? to_failure(*o->error).code : errc::internal;
}

using codes = std::vector<errc>;

TEST_F(iteration_writer_test, says_at_once_why_ends_cannot_be_written) {
  auto a = end("a");
  fail(errc::database_unavailable);
  EXPECT_EQ(failures, codes{errc::database_unavailable});
  EXPECT_EQ(code_of(a), errc::database_unavailable);
  EXPECT_EQ(written, 0);
}

TEST_F(iteration_writer_test, says_when_ends_are_written_again) {
  end("a");
  fail(errc::database_unavailable);
  auto again = end("a");
  answer({std::nullopt});
  EXPECT_TRUE(again->value && again->value->written);
  EXPECT_EQ(written, 1);
}

TEST_F(iteration_writer_test, a_lease_that_is_lost_is_no_trouble_of_the_database) {
  auto a = end("a");
  answer({errc::lease_lost});
  EXPECT_EQ(code_of(a), errc::lease_lost);
  EXPECT_TRUE(failures.empty());
}

TEST_F(iteration_writer_test, a_commit_in_doubt_is_looked_into_before_anything_is_said) {
  auto a = end("a");
  fail(errc::commit_in_doubt);
  EXPECT_EQ(under_way, 1u);
  EXPECT_TRUE(failures.empty());
  answer({std::nullopt});
  EXPECT_TRUE(a->value);
}

TEST_F(iteration_writer_test, two_transactions_at_once_have_no_user_in_common) {
  end("m1");
  end("m2");
  EXPECT_EQ(under_way, 1u); // the second would wait for the first one's lock on the user
  for (int n = 0; n < 20; ++n)
    end("m", "user " + std::to_string(n));
  EXPECT_EQ(under_way, 2u);
}

TEST_F(iteration_writer_test, of_a_batch_that_one_spoils_only_that_one_is_told) {
  end("first");
  auto good = end("good"); // waits for it, and shares a batch
  auto bad = end("bad");
  answer({std::nullopt});
  fail(errc::database_refused); // both: they are tried one by one
  EXPECT_TRUE(failures.empty());
  ASSERT_EQ(under_way, 2u);
  answer({std::nullopt});
  fail(errc::database_refused);
  EXPECT_TRUE(good->value);
  EXPECT_EQ(code_of(bad), errc::database_refused);
  EXPECT_EQ(failures, codes{errc::database_refused});
}

} // namespace

} // namespace mana::test
