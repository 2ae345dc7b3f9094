#include "infra/config/command_line.hpp"

#include <gtest/gtest.h>

#include <vector>

using namespace mana;
using namespace mana::config;

namespace {

result<command_line> parsed(std::vector<std::string> arguments) { return parse_command_line(arguments); }

TEST(command_line, without_arguments_serves_all_targets) {
  auto r = parsed({});
  ASSERT_TRUE(r);
  EXPECT_EQ(r->what, command::serve);
  EXPECT_EQ(to_string(r->targets), "runner,auth,sync,web,llm-standin");
}

TEST(command_line, takes_targets_in_both_spellings) {
  for (auto& arguments :
       std::vector<std::vector<std::string>>{{"--target=runner,llm-standin"}, {"--target", "llm-standin,runner"}}) {
    auto r = parsed(arguments);
    ASSERT_TRUE(r) << r.error().detail;
    EXPECT_EQ(r->targets, (target_set{target::runner, target::llm_standin}));
    EXPECT_EQ(to_string(r->targets), "runner,llm-standin");
  }
}

TEST(command_line, knows_its_commands) {
  EXPECT_EQ(parsed({"check"})->what, command::check);
  EXPECT_EQ(parsed({"migrate", "--target=runner"})->what, command::migrate);
  EXPECT_EQ(parsed({"--version"})->what, command::version);
  EXPECT_EQ(parsed({"check", "--help"})->what, command::help);
  EXPECT_EQ(parsed({"--help", "--version"})->what, command::help);
}

TEST(command_line, takes_the_directory_of_new_keys) {
  EXPECT_EQ(parsed({"keygen"})->what, command::keygen);
  EXPECT_EQ(parsed({"keygen"})->out_directory, "mana-ai-keys");
  EXPECT_EQ(parsed({"keygen", "--out=a/b"})->out_directory, "a/b");
  EXPECT_EQ(parsed({"--out", "a=b", "keygen"})->out_directory, "a=b");
}

TEST(command_line, takes_the_user_whose_audit_is_checked) {
  auto r = parsed({"audit", "verify", "--user=u 1"});
  ASSERT_TRUE(r) << r.error().detail;
  EXPECT_EQ(r->what, command::verify_audit);
  EXPECT_EQ(r->user, "u 1");
  EXPECT_EQ(parsed({"--user", "u", "audit", "verify"})->user, "u");
  EXPECT_EQ(parsed({"audit", "verify", "--help"})->what, command::help);
}

TEST(command_line, takes_what_operators_ask_about_quarantined_missions) {
  EXPECT_EQ(parsed({"missions", "quarantined"})->what, command::list_quarantined);
  auto r = parsed({"missions", "release", "--user=u 1", "--mission", "m 1"});
  ASSERT_TRUE(r) << r.error().detail;
  EXPECT_EQ(r->what, command::release_mission);
  EXPECT_EQ(r->user, "u 1");
  EXPECT_EQ(r->mission, "m 1");
}

struct rejection {
  std::vector<std::string> arguments;
  std::string named;
};

TEST(command_line, rejects_by_name) {
  for (auto& c : std::vector<rejection>{
           {{"--targets=all"}, "\"--targets=all\""},
           {{"--target"}, "--target: its value is missing"},
           {{"--target="}, "unknown target \"\""},
           {{"--target=runner,"}, "unknown target \"\""},
           {{"--target=runner,rnner"}, "unknown target \"rnner\""},
           {{"keygen", "--out"}, "--out: the name of a directory"},
           {{"keygen", "--out="}, "--out: the name of a directory"},
           {{"check", "--out=x"}, "only keygen"},
           {{"keygen", "--outx"}, "unknown option \"--outx\""},
           {{"audit"}, "unknown command \"audit\""},
           {{"audit", "erase"}, "unknown command \"audit erase\""},
           {{"audit", "verify"}, "--user: needed"},
           {{"audit", "verify", "--user="}, "--user: the id"},
           {{"check", "--user=u"}, "--user: needed by audit verify and missions release, and by nothing"},
           {{"missions"}, "unknown command \"missions\""},
           {{"missions", "delete"}, "unknown command \"missions delete\""},
           {{"missions", "release", "--mission=m"}, "--user: needed"},
           {{"missions", "release", "--user=u"}, "--mission: needed"},
           {{"missions", "release", "--user=u", "--mission="}, "--mission: the id"},
           {{"missions", "quarantined", "--user=u"}, "--user: needed"},
           {{"check", "--mission=m"}, "--mission: needed by missions release"},
           {{"start"}, "unknown command \"start\""},
           {{"check", "migrate"}, "only one command"},
           {{"--help", "-x"}, "unknown option \"-x\""}}) {
    auto r = parsed(c.arguments);
    ASSERT_FALSE(r) << c.named;
    EXPECT_EQ(r.error().code, errc::config_invalid);
    EXPECT_NE(r.error().detail.find(c.named), std::string::npos) << r.error().detail;
  }
}

TEST(command_line, help_names_commands_and_options) {
  auto text = command_line_help();
  for (auto word : {"check", "migrate", "missions quarantined", "missions release", "--target", "--help", "--version",
                    "llm-standin"})
    EXPECT_NE(text.find(word), std::string::npos) << word;
}

} // namespace
