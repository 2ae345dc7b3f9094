#include "actors/session_registry/change_notice.hpp"
#include "actors/session_registry/session_outbox.hpp"

#include <gtest/gtest.h>

using namespace mana;

namespace {

using item = session_outbox::item;

struct outbox : ::testing::Test {
  int woken = 0;
  session_outbox box{[this] { ++woken; }};
};

} // namespace

TEST_F(outbox, many_changes_of_an_app_are_one_message) {
  box.add("todo", {"tasks"});
  box.add("notes", {"notes"});
  box.add("todo", {"lists", "tasks"});
  EXPECT_EQ(woken, 3);
  EXPECT_EQ(box.take(), (item{"todo", {"lists", "tasks"}}));
  EXPECT_EQ(box.take(), (item{"notes", {"notes"}}));
  EXPECT_EQ(box.take(), std::nullopt);
}

TEST_F(outbox, any_table_takes_the_place_of_each) {
  box.add("todo", {"tasks"});
  box.add("todo", {});
  box.add("todo", {"lists"});
  EXPECT_EQ(box.take(), (item{"todo", {}}));
}

TEST_F(outbox, too_many_tables_become_any) {
  for (std::size_t i = 0; i <= session_outbox::max_tables; ++i)
    box.add("todo", {"t" + std::to_string(i)});
  EXPECT_EQ(box.take(), (item{"todo", {}}));
}

TEST_F(outbox, everything_takes_the_place_of_each_app) {
  box.add("todo", {"tasks"});
  box.add("*", {});
  box.add("notes", {"notes"});
  EXPECT_EQ(box.take(), (item{"*", {}}));
  EXPECT_EQ(box.take(), std::nullopt);
}

TEST_F(outbox, too_many_apps_become_everything) {
  for (std::size_t i = 0; i <= session_outbox::max_apps; ++i)
    box.add("app" + std::to_string(i), {"t"});
  EXPECT_EQ(box.take(), (item{"*", {}}));
  EXPECT_EQ(box.take(), std::nullopt);
}

TEST_F(outbox, after_its_end_nothing_comes) {
  box.close();
  EXPECT_TRUE(box.is_closed());
  EXPECT_EQ(woken, 1);
  box.add("todo", {"tasks"});
  EXPECT_EQ(box.take(), std::nullopt);
}

TEST(change_notice, says_for_whom_and_of_what) {
  auto n = parse_change_notice(R"({"to":"0123456789abcdef0123456789abcdef","app":"todo","tables":["lists","tasks"]})");
  ASSERT_TRUE(n);
  EXPECT_EQ(n->to, "0123456789abcdef0123456789abcdef");
  EXPECT_EQ(n->app, "todo");
  EXPECT_EQ(n->tables, (std::vector<std::string>{"lists", "tasks"}));
}

TEST(change_notice, anything_else_is_none) {
  for (auto* text : {"", "nonsense", "[]", R"({"to":"0123","app":"todo","tables":[]})",
                     R"({"to":"0123456789ABCDEF0123456789abcdef","app":"todo","tables":[]})",
                     R"({"to":"0123456789abcdef0123456789abcdef","tables":[]})",
                     R"({"to":"0123456789abcdef0123456789abcdef","app":"todo"})",
                     R"({"to":"0123456789abcdef0123456789abcdef","app":"todo","tables":[1]})"})
    EXPECT_FALSE(parse_change_notice(text)) << text;
}
