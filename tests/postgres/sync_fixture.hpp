// The actors of the sync target on a real database.
#pragma once

#include "actors/change_puller/change_puller_actor.hpp"
#include "actors/change_pusher/change_pusher_actor.hpp"
#include "actors/database/database_actor.hpp"
#include "infra/crypto/random_uuid.hpp"
#include "tests/postgres/database_fixture.hpp"

#include <caf/all.hpp>

#include <set>
#include <vector>

namespace mana::testing {

struct sync_fixture : database_fixture {
  void SetUp() override {
    database_fixture::SetUp();
    pool = sys.spawn<database>(database_config{sync_url(), 2}, database_observer{[](auto&&...) {}, [](std::size_t) {}});
    pusher = sys.spawn<change_pusher>(pool, change_pusher_observer{[](std::size_t, std::size_t) {}});
    puller = sys.spawn<change_puller>(pool);
  }
  void TearDown() override {
    for (auto& a : {caf::actor_cast<caf::actor>(pusher), caf::actor_cast<caf::actor>(puller),
                    caf::actor_cast<caf::actor>(pool)}) {
      self->send_exit(a, caf::exit_reason::user_shutdown);
      self->wait_for(a);
    }
    pusher = nullptr;
    puller = nullptr;
    pool = nullptr;
    database_fixture::TearDown();
  }

  template <class Answer, class Handle, class Question>
  result<Answer> ask(const Handle& receiver, Question question) {
    result<Answer> out = failure{};
    self->request(receiver, caf::infinite, std::move(question))
        .receive([&](Answer& a) { out = std::move(a); }, [&](const caf::error& e) { out = to_failure(e); });
    return out;
  }

  // A task that is inserted; `event` may be empty.
  static std::string insert_of(const std::string& record, const std::string& event, const std::string& title = "x") {
    return R"({"table":"tasks","id":")" + record + R"(","op":"insert","data":{"title":")" + title + "\"}"
           + (event.empty() ? "" : R"(,"eventId":")" + event + '"') + "}";
  }
  result<changes_pushed> push(const std::string& user, const std::string& changes, const std::string& since = "") {
    auto body = R"({"clientId":"c1","since":")" + since + R"(","changes":[)" + changes + "]}";
    return ask<changes_pushed>(pusher,
                               push_changes{{user}, "todo", std::make_shared<const std::string>(std::move(body))});
  }
  void store(const std::string& user, const std::string& changes, const std::string& since = "") {
    auto pushed = push(user, changes, since);
    ASSERT_TRUE(pushed) << pushed.error().detail;
  }
  result<change_page> pull(const std::string& user, const std::string& since = "", std::size_t limit = 500,
                           const std::string& collection = "") {
    return ask<change_page>(puller, pull_changes{{user}, "todo", since, collection, limit});
  }

  // A member of each row of a page, in order.
  static std::vector<std::string> texts(const change_page& page, const char* member) {
    std::vector<std::string> out;
    auto rows = json::parse(page.rows);
    if (rows && rows->as_array() != nullptr)
      for (auto& r : *rows->as_array())
        out.emplace_back(r.text(member));
    return out;
  }
  static std::vector<std::string> ids(const change_page& page) { return texts(page, "id"); }

  // Follows hasMore from `since` to its end; every record seen, with how often.
  struct walked {
    std::multiset<std::string> seen;
    std::string synced_until;
    std::size_t pages = 0;
  };
  walked pull_all(const std::string& user, const std::string& since = "", std::size_t limit = 500) {
    walked out;
    out.synced_until = since;
    for (bool more = true; more && out.pages < 1'000; ++out.pages) {
      auto page = pull(user, out.synced_until, limit);
      if (!page) {
        ADD_FAILURE() << page.error().detail;
        break;
      }
      for (auto& id : ids(*page))
        out.seen.insert(id);
      out.synced_until = page->synced_until;
      more = page->has_more;
    }
    return out;
  }

  // A program that appends with the contract's columns alone, in a transaction of its own that stays open.
  struct writer {
    explicit writer(const std::string& url, const std::string& as) : db(url), tx(db.raw()), user(as) {
      pg::connection::exec_in(tx, "SELECT set_config('app.current_user_id', $1, true)", user);
    }
    void append(const std::string& record, const std::string& data = "{}", const std::string& op = "insert") {
      pg::connection::exec_in(tx,
                              "INSERT INTO public.sync_changes (app_id, table_name, record_id, user_id, op, data,"
                              " client_id) VALUES ('todo', 'tasks', $1, $2, $3, $4::jsonb, 'other')",
                              record, user, op, data);
    }
    pg::connection db;
    pqxx::work tx;
    std::string user;
  };

  caf::actor_system_config cfg;
  caf::actor_system sys{cfg};
  caf::scoped_actor self{sys};
  database_actor pool;
  change_pusher_actor pusher;
  change_puller_actor puller;
};

} // namespace mana::testing
