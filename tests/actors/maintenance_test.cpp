// The maintenance actor under virtual time, with a database that counts its jobs.
#include "actors/maintenance/maintenance_actor.hpp"

#include "tests/actors/virtual_time.hpp"

namespace mana::test {
namespace {

using namespace std::chrono_literals;

struct maintenance_test : virtual_time {
  ~maintenance_test() override { stop_all(); }

  void start(double random = 0) {
    auto database = keep(sys_.spawn([this](database_actor::pointer) -> database_actor::behavior_type {
      return {
          [this](const database_job& job) -> caf::result<database_answer> {
            names.push_back(job.name);
            if (why_not)
              return caf::make_error(*why_not, std::string{"detail"});
            return database_answer{answer};
          },
          [](get_database_status) { return database_status{}; },
      };
    }));
    maintenance_observer o;
    o.done = [this](const maintained& m) { done.push_back(m.partitions_dropped); };
    o.failed = [this](const failure& f) { failures.push_back(f.code); };
    maintenance_config c;
    c.interval = 24h;
    c.retry = 10min;
    keep(sys_.spawn<maintenance>(
        database, c, [random] { return random; }, o));
    run();
  }

  std::vector<std::string> names;
  std::optional<errc> why_not;
  maintained answer;
  std::vector<int> done;
  std::vector<errc> failures;
};

TEST_F(maintenance_test, works_when_it_starts) {
  answer.partitions_dropped = 2;
  start();
  EXPECT_EQ(names, std::vector<std::string>{"maintain_tables"});
  EXPECT_EQ(done, std::vector<int>{2});
}

TEST_F(maintenance_test, works_once_a_day) {
  start();
  advance(24h - 1min, 1min);
  EXPECT_EQ(names.size(), 1u);
  advance(1min, 1min);
  EXPECT_EQ(names.size(), 2u);
  advance(48h, 1min);
  EXPECT_EQ(names.size(), 4u);
}

TEST_F(maintenance_test, spreads_replicas_that_started_together) {
  start(0.5);
  advance(25h, 1min);
  EXPECT_EQ(names.size(), 1u);
  advance(13min, 1min);
  EXPECT_EQ(names.size(), 2u);
}

TEST_F(maintenance_test, tries_again_soon_after_a_failure) {
  why_not = errc::database_timeout;
  start();
  EXPECT_EQ(failures, std::vector<errc>{errc::database_timeout});
  why_not.reset();
  advance(10min, 1min);
  EXPECT_EQ(done.size(), 1u);
  advance(23h, 1min);
  EXPECT_EQ(names.size(), 2u);
}

TEST_F(maintenance_test, leaves_the_work_to_another_replica_until_the_next_day) {
  answer.elsewhere = true;
  start();
  advance(12h, 1min);
  EXPECT_EQ(names.size(), 1u);
  EXPECT_TRUE(failures.empty());
}

} // namespace
} // namespace mana::test
