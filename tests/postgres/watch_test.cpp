// Whose rows the log's trigger tells of, and that nobody with an open socket misses one: the functions of migration
// mana_sync/003 under the logins of the services, and the session_registry that calls them.
#include "actors/session_registry/change_notice.hpp"
#include "actors/session_registry/session_registry_actor.hpp"
#include "infra/postgres/notifications.hpp"
#include "tests/postgres/sync_fixture.hpp"

#include <gmock/gmock.h>

#include <condition_variable>
#include <mutex>

namespace mana {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

struct watching : testing::sync_fixture {
  void SetUp() override {
    sync_fixture::SetUp();
    service = std::make_unique<pg::connection>(sync_url());
    ears = std::make_unique<pg::notification_source>(direct_url("mana_sync", "sync-test"),
                                                     std::vector<std::string>{changes_channel});
  }
  void TearDown() override {
    ears.reset();
    service.reset();
    sync_fixture::TearDown();
  }

  // What was told of so far: "<app>/<tables> of <hash>".
  std::vector<change_notice> heard() {
    query(std::string{"SELECT pg_notify('"} + changes_channel + "', 'so far')");
    std::vector<change_notice> out;
    for (bool more = true; more;)
      for (auto& n : ears->wait(10s)) {
        if (n.payload == "so far")
          more = false;
        else if (auto notice = parse_change_notice(n.payload))
          out.push_back(std::move(*notice));
      }
    return out;
  }
  std::vector<std::string> heard_of() {
    std::vector<std::string> out;
    for (auto& n : heard())
      out.push_back(n.to);
    return out;
  }
  std::string name_of(const std::string& user) { return query("SELECT mana_sync.name_in_notices('" + user + "')"); }
  std::string watched_rows() {
    return query("SELECT coalesce(string_agg(user_id, ',' ORDER BY user_id), '') FROM mana_sync.watched_users");
  }

  const watcher one{"00000000-0000-4000-8000-000000000001", 60s};
  const watcher other{"00000000-0000-4000-8000-000000000002", 60s};
  std::unique_ptr<pg::connection> service;
  std::unique_ptr<pg::notification_source> ears;
};

TEST_F(watching, rows_of_watched_users_are_told_of_and_no_others) {
  auto answer = watch(*service, one, 1, {{"u1"}, {"u3"}});
  ASSERT_EQ(answer.users.size(), 2u);
  for (auto& [user, notice_name] : answer.users)
    EXPECT_EQ(notice_name, name_of(user.value));
  for (auto* user : {"u1", "u2", "u3"})
    store(user, testing::sync_fixture::insert_of("t1", ""));
  EXPECT_THAT(heard_of(), UnorderedElementsAre(name_of("u1"), name_of("u3")));
}

TEST_F(watching, a_transaction_tells_each_table_once) {
  watch(*service, one, 1, {{"u1"}});
  store("u1",
        insert_of("t1", "") + ',' + insert_of("t2", "") + R"(,{"table":"labels","id":"l1","op":"insert","data":{}})");
  std::vector<std::string> tables;
  for (auto& n : heard()) {
    EXPECT_EQ(n.app, "todo");
    tables.insert(tables.end(), n.tables.begin(), n.tables.end());
  }
  EXPECT_THAT(tables, UnorderedElementsAre("tasks", "labels"));
}

TEST_F(watching, names_that_no_notification_can_hold_refuse_no_row) {
  watch(*service, one, 1, {{"u1"}});
  pg::connection db{superuser_url()};
  db.exec("INSERT INTO public.sync_changes (app_id, table_name, record_id, user_id, op, data, client_id)"
          " VALUES ($1, $2, 't1', 'u1', 'insert', '{}', 'x')",
          std::string(3'000, 'a'), std::string(3'000, '\x01'));
  auto notices = heard();
  ASSERT_EQ(notices.size(), 1u);
  EXPECT_EQ(notices[0].app, "*");
  EXPECT_THAT(notices[0].tables, IsEmpty());
}

TEST_F(watching, of_statements_that_overtake_each_other_the_later_one_counts) {
  watch(*service, one, 2, {{"u1"}});
  unwatch(*service, one, 1, {{"u1"}});
  EXPECT_EQ(watched_rows(), "u1");
  unwatch(*service, one, 3, {{"u1"}});
  EXPECT_EQ(watched_rows(), "");
}

TEST_F(watching, a_user_is_watched_as_long_as_one_replica_wants_it) {
  watch(*service, one, 1, {{"u1"}});
  watch(*service, other, 1, {{"u1"}});
  unwatch(*service, one, 2, {{"u1"}});
  store("u1", insert_of("t1", ""));
  EXPECT_THAT(heard_of(), ElementsAre(name_of("u1")));
}

TEST_F(watching, who_lets_its_life_pass_is_ended_by_the_others_and_told_so) {
  watch(*service, {one.id, 0ms}, 1, {{"u1"}});
  watch(*service, other, 1, {{"u2"}});
  EXPECT_TRUE(keep_watching(*service, other));
  EXPECT_EQ(watched_rows(), "u2");
  EXPECT_FALSE(keep_watching(*service, one));
}

TEST_F(watching, a_writer_with_an_old_snapshot_tells_of_its_rows_in_any_case) {
  pg::connection db{direct_url("mana_sync", "sync-test")};
  pqxx::transaction<pqxx::repeatable_read> tx{db.raw()};
  pg::connection::exec_in(tx, "SELECT set_config('app.current_user_id', 'u1', true)");
  watch(*service, one, 1, {{"u1"}});
  pg::connection::exec_in(tx, "INSERT INTO public.sync_changes (app_id, table_name, record_id, user_id, op, data,"
                              " client_id) VALUES ('todo', 'tasks', 't1', 'u1', 'insert', '{}', 'x')");
  tx.commit();
  EXPECT_THAT(heard_of(), ElementsAre(name_of("u1")));
}

TEST_F(watching, a_replica_of_the_release_before_hears_of_everybody) {
  EXPECT_EQ(service->exec("SELECT mana_sync.notice_name($1)", std::string{"u1"})[0][0].as<std::string>(),
            name_of("u1"));
  for (auto* user : {"u1", "u2"})
    store(user, insert_of("t1", ""));
  EXPECT_THAT(heard_of(), UnorderedElementsAre(name_of("u1"), name_of("u2")));
  query("UPDATE mana_sync.watchers SET alive_until = now() - interval '1 second' RETURNING 1");
  watch(*service, one, 1, {{"u1"}});
  keep_watching(*service, one);
  EXPECT_EQ(watched_rows(), "u1") << "and not for ever";
}

TEST_F(watching, only_the_sync_target_may_watch_and_nobody_may_look) {
  pg::connection runner{runner_url()};
  for (auto* sql : {"SELECT mana_sync.watch(gen_random_uuid(), '1 s', 1, '{u1}')",
                    "SELECT mana_sync.unwatch(gen_random_uuid(), 1, '{u1}')",
                    "SELECT mana_sync.keep_watching(gen_random_uuid(), '1 s')", "SELECT mana_sync.notice_name('u1')"})
    EXPECT_THROW(runner.exec(sql), pqxx::sql_error) << sql;
  for (auto* sql : {"SELECT * FROM mana_sync.watched_users", "SELECT * FROM mana_sync.watchers",
                    "SELECT mana_sync.name_in_notices('u1')", "SELECT mana_sync.watch_everybody()"})
    EXPECT_THROW(service->exec(sql), pqxx::sql_error) << sql;
}

// -- the registry ---------------------------------------------------------------------------------------

// An open WebSocket: what it is told, "<app>/<table>,…". The registry may close its outbox after the test's end.
class told {
public:
  const std::shared_ptr<session_outbox>& outbox() const { return outbox_; }

  void wait_for(const std::string& what) {
    std::unique_lock lock{board_->mutex};
    board_->changed.wait(lock, [&] { return std::erase(board_->items, what) > 0; });
  }
  std::vector<std::string> rest() {
    std::lock_guard lock{board_->mutex};
    return board_->items;
  }

private:
  struct board {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<std::string> items;
    std::weak_ptr<session_outbox> outbox;

    void take_all() {
      auto from = outbox.lock();
      std::lock_guard lock{mutex};
      while (auto item = from ? from->take() : std::nullopt) {
        auto text = item->app + '/';
        for (auto& t : item->tables)
          text += t + ',';
        items.push_back(std::move(text));
      }
      changed.notify_all();
    }
  };

  static std::shared_ptr<session_outbox> outbox_for(const std::shared_ptr<board>& b) {
    auto out = std::make_shared<session_outbox>([b] { b->take_all(); });
    b->outbox = out;
    return out;
  }

  std::shared_ptr<board> board_ = std::make_shared<board>();
  std::shared_ptr<session_outbox> outbox_ = outbox_for(board_);
};

struct registry_watches : watching {
  void SetUp() override {
    watching::SetUp();
    loop = std::make_unique<io_loop>(sys);
    sessions = sys.spawn<session_registry>(*loop, pool, session_limits{}, watch_rules{60s, 50ms, 20ms},
                                           session_observer{[](std::size_t) {}, [](std::size_t) {}});
  }
  void TearDown() override {
    self->send_exit(sessions, caf::exit_reason::user_shutdown);
    self->wait_for(sessions);
    sessions = nullptr;
    loop.reset();
    watching::TearDown();
  }

  void open(told& socket, const std::string& user) {
    auto opened = ask<session_opened>(sessions, open_session{{user}, socket.outbox()});
    ASSERT_TRUE(opened) << opened.error().detail;
  }
  // What the listener does with what it hears.
  void pass_on() {
    self->send(sessions, changes_noticed{heard()});
    // Has been dealt with when this one is refused.
    EXPECT_FALSE(ask<session_opened>(sessions, open_session{{""}, nullptr}));
  }
  void wait_until_watched(const std::string& users) {
    while (watched_rows() != users)
      std::this_thread::sleep_for(5ms);
  }

  std::unique_ptr<io_loop> loop;
  session_registry_actor sessions;
};

const auto everything = "*/";

TEST_F(registry_watches, a_user_from_the_first_socket_on_and_not_after_the_last) {
  told phone, laptop;
  open(phone, "u1");
  open(laptop, "u1");
  EXPECT_EQ(watched_rows(), "u1");
  store("u1", insert_of("t1", ""));
  pass_on();
  phone.wait_for("todo/tasks,");
  laptop.wait_for("todo/tasks,");

  self->send(sessions, close_session{phone.outbox()});
  store("u1", insert_of("t2", ""));
  pass_on();
  laptop.wait_for("todo/tasks,");
  EXPECT_THAT(phone.rest(), ::testing::Not(::testing::Contains("todo/tasks,")));

  self->send(sessions, close_session{laptop.outbox()});
  wait_until_watched("");
  told again;
  open(again, "u1");
  store("u1", insert_of("t3", ""));
  pass_on();
  again.wait_for("todo/tasks,");
}

// The trigger of the first row runs before anybody watches: no notice comes of it.
TEST_F(registry_watches, what_was_written_before_and_commits_after_is_not_missed) {
  writer slow{sync_url(), "u1"};
  slow.append("t1");
  told socket;
  open(socket, "u1");
  EXPECT_THAT(ids(*pull("u1")), IsEmpty());
  slow.tx.commit();
  EXPECT_THAT(heard(), IsEmpty());
  socket.wait_for(everything);
  EXPECT_THAT(ids(*pull("u1")), ElementsAre("t1"));
}

TEST_F(registry_watches, whom_the_database_has_forgotten_anew) {
  told socket;
  open(socket, "u1");
  query("DELETE FROM mana_sync.watchers RETURNING 1");
  EXPECT_EQ(watched_rows(), "");
  socket.wait_for(everything);
  wait_until_watched("u1");
}

TEST_F(registry_watches, everybody_anew_when_notices_may_have_been_missed) {
  told socket;
  open(socket, "u1");
  query("DELETE FROM mana_sync.watched_users RETURNING 1");
  self->send(sessions, notices_missed{});
  wait_until_watched("u1");
  socket.wait_for(everything);
}

// As after a failover that lost the watch, with a database that does not answer yet.
TEST_F(registry_watches, again_until_the_database_takes_it) {
  told socket;
  open(socket, "u1");
  pg::connection operators{superuser_url()};
  operators.exec("DELETE FROM mana_sync.watched_users");
  operators.exec("ALTER TABLE mana_sync.watched_users RENAME TO away");
  self->send(sessions, notices_missed{});
  told refused;
  EXPECT_FALSE(ask<session_opened>(sessions, open_session{{"u2"}, refused.outbox()}));
  operators.exec("ALTER TABLE mana_sync.away RENAME TO watched_users");
  wait_until_watched("u1");
}

} // namespace
} // namespace mana
