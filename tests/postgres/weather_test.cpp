// The database pool while the server is in bad shape: which error each state becomes, and that the pool
// works again by itself once the state is over.
#include "actors/database/database_actor.hpp"
#include "tests/postgres/database_fixture.hpp"

#include <caf/all.hpp>

#include <future>
#include <set>

namespace mana {
namespace {

using namespace std::chrono_literals;

constexpr auto nearly_never = backoff{.least = 1h, .base = 1h, .max = 1h};
constexpr auto at_once = backoff{.least = 0ms, .base = 0ms, .max = 0ms};

struct database_weather : testing::database_fixture {
  void SetUp() override {
    database_fixture::SetUp();
    query("CREATE TABLE public.weather (id int PRIMARY KEY)");
    query("GRANT SELECT, INSERT ON public.weather TO mana_ai_runner");
  }
  void TearDown() override {
    stop_pool();
    database_fixture::TearDown();
  }

  void start_pool(const std::string& url, std::size_t connections, backoff between_connects = at_once) {
    stop_pool();
    database_config c{url, connections};
    c.between_connects = between_connects;
    pool = sys.spawn<database>(c, database_observer{[](auto&&...) {}, [](std::size_t) {}});
  }
  void stop_pool() {
    if (!pool)
      return;
    self->send_exit(pool, caf::exit_reason::user_shutdown);
    self->wait_for(pool);
    pool = nullptr;
  }

  // An answer that is still to come. `sql` gives one number.
  auto ask(const std::string& sql) {
    return self->request(pool, caf::infinite, database_job{"weather", [sql](pg::connection& db) -> std::any {
                                                             return db.exec(sql).at(0).at(0).as<int>();
                                                           }});
  }
  template <class Question>
  result<int> answer_of(Question question) {
    result<int> out{failure{errc::internal, "no answer"}};
    question.receive([&](database_answer& a) { out = a.as<int>(); }, [&](const caf::error& e) { out = to_failure(e); });
    return out;
  }
  result<int> run(const std::string& sql) { return answer_of(ask(sql)); }
  errc error_of(const std::string& sql) {
    auto r = run(sql);
    EXPECT_FALSE(r) << sql;
    return r ? errc::internal : r.error().code;
  }
  // For settings that a session takes up when it begins.
  void set_for_runner(const std::string& setting) {
    query("ALTER ROLE mana_ai_runner IN DATABASE " + name() + " SET " + setting);
    terminate_sessions();
  }
  void reset_for_runner() { query("ALTER ROLE mana_ai_runner IN DATABASE " + name() + " RESET ALL"); }
  void terminate_sessions() {
    query("SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity WHERE usename = 'mana_ai_runner' AND"
          " datname = current_database()");
  }

  struct config : caf::actor_system_config {
    config() { set("scheduler.max-threads", std::size_t{2}); }
  } cfg;
  caf::actor_system sys{cfg};
  caf::scoped_actor self{sys};
  database_actor pool;
};

TEST_F(database_weather, each_state_of_the_server_has_its_error) {
  start_pool(runner_url(), 1);
  const std::pair<const char*, errc> states[] = {
      {"57P01", errc::database_unavailable}, // admin_shutdown
      {"57P02", errc::database_unavailable}, // crash_shutdown
      {"57P03", errc::database_unavailable}, // cannot_connect_now: starting up, in recovery
      {"25P03", errc::database_unavailable}, // idle_in_transaction_session_timeout
      {"08006", errc::database_unavailable}, // connection_failure
      {"08P01", errc::database_unavailable}, // as PgBouncer says what is wrong
      {"53100", errc::database_unavailable}, // disk_full
      {"53200", errc::database_unavailable}, // out_of_memory
      {"53300", errc::database_unavailable}, // too_many_connections
      {"58030", errc::database_unavailable}, // io_error
      {"25006", errc::database_read_only},   // read_only_sql_transaction
      {"57014", errc::database_timeout},     // query_canceled: statement_timeout
      {"55P03", errc::database_timeout},     // lock_not_available: lock_timeout
      {"40001", errc::database_conflict},    // serialization_failure
      {"40P01", errc::database_conflict},    // deadlock_detected
      {"42501", errc::database_refused},     // insufficient_privilege
      {"23505", errc::database_refused},     // unique_violation
  };
  for (auto [state, code] : states) {
    auto raise = std::string{"DO $$ BEGIN RAISE EXCEPTION 'weather' USING ERRCODE = '"} + state + "'; END $$";
    EXPECT_EQ(error_of(raise), code) << state;
    EXPECT_TRUE(run("SELECT 1")) << "after " << state;
  }
}

TEST_F(database_weather, a_full_disk_costs_no_connection) {
  start_pool(direct_runner_url(), 1);
  auto session = run("SELECT pg_backend_pid()");
  ASSERT_TRUE(session);
  error_of("DO $$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = '53100'; END $$");
  auto later = run("SELECT pg_backend_pid()");
  ASSERT_TRUE(later);
  EXPECT_EQ(*later, *session);
}

TEST_F(database_weather, idle_sessions_that_are_terminated_cost_nothing) {
  start_pool(runner_url(), 3);
  for (int round = 0; round < 5; ++round) {
    auto a = ask("SELECT 1");
    auto b = ask("SELECT 2");
    auto c = ask("SELECT 3");
    EXPECT_TRUE(answer_of(std::move(a)));
    EXPECT_TRUE(answer_of(std::move(b)));
    EXPECT_TRUE(answer_of(std::move(c)));
    terminate_sessions();
  }
}

// Each job inserts its own row, so that what its error says can be compared with what it did.
TEST_F(database_weather, jobs_that_are_terminated_again_and_again_are_all_answered_and_all_done_in_the_end) {
  start_pool(runner_url(), 4);
  std::set<int> open;
  for (int i = 0; i < 40; ++i)
    open.insert(i);
  for (int round = 0; !open.empty(); ++round) {
    std::vector<std::pair<int, decltype(ask(""))>> asked;
    for (int i : open)
      asked.emplace_back(i, ask("INSERT INTO public.weather SELECT " + std::to_string(i)
                                + " FROM pg_sleep(0.02) ON CONFLICT DO NOTHING RETURNING 1"));
    if (round < 5)
      terminate_sessions();
    for (auto& [i, question] : asked) {
      auto r = answer_of(std::move(question));
      // No row: an earlier try was committed, and its answer was lost.
      bool done = r || r.error().code == errc::internal;
      if (done)
        open.erase(i);
      else
        EXPECT_EQ(r.error().code, errc::database_unavailable) << r.error().detail;
    }
  }
  EXPECT_EQ(query("SELECT count(*) FROM public.weather"), "40");
}

TEST_F(database_weather, a_read_only_database_is_left_as_soon_as_it_is_writable) {
  start_pool(runner_url(), 2);
  ASSERT_TRUE(run("SELECT 1"));
  set_for_runner("default_transaction_read_only = on");
  EXPECT_EQ(error_of("INSERT INTO public.weather VALUES (1) RETURNING 1"), errc::database_read_only);
  reset_for_runner();
  // Behind a pooler the sessions are not ours to throw away; there a failover ends them.
  if (runner_url() != direct_runner_url())
    terminate_sessions();
  EXPECT_TRUE(run("INSERT INTO public.weather VALUES (1) RETURNING 1"));
}

TEST_F(database_weather, a_statement_that_takes_too_long_ends_and_leaves_the_session_whole) {
  start_pool(direct_runner_url(), 1);
  set_for_runner("statement_timeout = '20ms'");
  auto session = run("SELECT pg_backend_pid()");
  ASSERT_TRUE(session);
  EXPECT_EQ(error_of("SELECT 1 FROM pg_sleep(60)"), errc::database_timeout);
  auto later = run("SELECT pg_backend_pid()");
  ASSERT_TRUE(later);
  EXPECT_EQ(*later, *session);
}

TEST_F(database_weather, a_lock_that_is_held_for_too_long_is_given_up) {
  start_pool(runner_url(), 1);
  set_for_runner("lock_timeout = '20ms'");
  {
    pg::connection other{superuser_url()};
    pqxx::work holding{other.raw()};
    holding.exec("LOCK TABLE public.weather");
    EXPECT_EQ(error_of("INSERT INTO public.weather VALUES (1) RETURNING 1"), errc::database_timeout);
  }
  EXPECT_TRUE(run("INSERT INTO public.weather VALUES (1) RETURNING 1"));
}

TEST_F(database_weather, a_transaction_that_idles_too_long_loses_its_session) {
  start_pool(runner_url(), 1);
  set_for_runner("idle_in_transaction_session_timeout = '20ms'");
  auto idle = [url = superuser_url()](pg::connection& db) -> std::any {
    pqxx::work tx{db.raw()};
    auto pid = tx.exec("SELECT pg_backend_pid()")[0][0].as<int>();
    pg::connection other{url};
    while (!other.exec("SELECT FROM pg_stat_activity WHERE pid = $1", pid).empty()) {
    }
    pg::connection::exec_in(tx, "SELECT 1");
    return 1;
  };
  auto r = answer_of(self->request(pool, caf::infinite, database_job{"idle", idle}));
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, errc::database_unavailable) << r.error().detail;
  EXPECT_TRUE(run("SELECT 1"));
}

// With a login of the test's own: limits of connections hold for the whole cluster.
struct few_connections : database_weather {
  void SetUp() override {
    database_weather::SetUp();
    query("CREATE ROLE " + name() + " LOGIN PASSWORD 'few'");
  }
  void TearDown() override {
    stop_pool();
    query("DROP ROLE " + name());
    database_weather::TearDown();
  }
  void allow(int connections) { query("ALTER ROLE " + name() + " CONNECTION LIMIT " + std::to_string(connections)); }
  std::string url() const { return direct_url(name(), "few"); }
};

TEST_F(few_connections, leave_the_work_to_those_there_are) {
  allow(1);
  start_pool(url(), 3);
  std::promise<void> release;
  auto busy = [until = release.get_future().share()](pg::connection& db) -> std::any {
    auto one = db.exec("SELECT 1")[0][0].as<int>();
    until.wait();
    return one;
  };
  auto first = self->request(pool, caf::infinite, database_job{"busy", busy});
  while (query("SELECT 1 FROM pg_stat_activity WHERE usename = '" + name() + "'").empty()) {
  }
  auto refused = run("SELECT 1");
  release.set_value();
  EXPECT_TRUE(answer_of(std::move(first)));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::database_unavailable);
  EXPECT_NE(refused.error().detail.find("too many connections"), std::string::npos) << refused.error().detail;
  for (int i = 0; i < 10; ++i)
    EXPECT_TRUE(run("SELECT 1"));
}

TEST_F(few_connections, once_refused_jobs_fail_at_once_with_the_reason) {
  allow(0);
  start_pool(url(), 3, nearly_never);
  auto tried = run("SELECT 1");
  ASSERT_FALSE(tried);
  allow(-1);
  for (int i = 0; i < 10; ++i) {
    auto refused = run("SELECT 1");
    ASSERT_FALSE(refused) << "another worker connected during the pause";
    EXPECT_EQ(refused.error().code, errc::database_unavailable);
    EXPECT_EQ(refused.error().detail, tried.error().detail);
  }
}

TEST_F(few_connections, are_tried_again_after_a_pause) {
  allow(0);
  start_pool(url(), 3, backoff{.least = 1ms, .base = 1ms, .max = 1ms});
  EXPECT_EQ(error_of("SELECT 1"), errc::database_unavailable);
  allow(-1);
  while (!run("SELECT 1")) {
  }
}

// A session's own settings would not hold behind a transaction pooler.
TEST_F(database_weather, every_login_of_a_service_has_its_limits_by_role) {
  for (auto& url : {runner_url(), auth_url(), sync_url()}) {
    pg::connection db{url};
    EXPECT_EQ(db.exec("SHOW jit")[0][0].as<std::string>(), "off");
    for (auto setting : {"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"})
      EXPECT_NE(db.exec("SELECT current_setting($1)", std::string{setting})[0][0].as<std::string>(), "0") << setting;
  }
}

// Within the write-back the planner may not scan, and takes what has to for expensive enough to compile: whether to
// tell of a row is looked up in an index, for each of the runner's rows, and so is all that a notice needs.
TEST_F(database_weather, a_row_that_is_told_of_needs_no_scan_and_no_compiler) {
  pg::connection{sync_url()}.exec("SELECT FROM mana_sync.watch(gen_random_uuid(), '1 hour', 1, '{u1}')");
  pg::connection db{superuser_url()};
  db.exec("SET jit = on");
  db.exec("SET enable_seqscan = off");
  db.exec("LOAD 'auto_explain'");
  std::string plans;
  struct handler : pqxx::errorhandler {
    handler(pqxx::connection_base& c, std::string& t) : pqxx::errorhandler(c), text(t) {}
    bool operator()(const char message[]) noexcept override {
      text += message;
      return false;
    }
    std::string& text;
  } collected{db.raw(), plans};
  for (auto* setting : {"auto_explain.log_min_duration = 0", "auto_explain.log_nested_statements = on",
                        "auto_explain.log_level = notice", "auto_explain.log_analyze = on"})
    db.exec(std::string{"SET "} + setting);
  db.exec("INSERT INTO public.sync_changes (app_id, table_name, record_id, user_id, op, data, client_id)"
          " VALUES ('todo', 'tasks', 't1', 'u1', 'insert', '{}', 'test')");
  for (auto* step : {"Index Only Scan using watched_users_pkey", "pg_notify('mana_sync_changes'", "notice_key_pkey"})
    EXPECT_NE(plans.find(step), std::string::npos) << plans;
  EXPECT_EQ(plans.find("JIT:"), std::string::npos) << plans;
  EXPECT_EQ(plans.find("cost=10000000000"), std::string::npos) << plans;
}

} // namespace
} // namespace mana
