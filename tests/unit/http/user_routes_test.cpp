#include "http/user_routes.hpp"

#include <gtest/gtest.h>

namespace mana::http {
namespace {

using namespace std::chrono_literals;

const timestamp noon{1'700'000'000'123ms};
const std::string token = "0b8e6a52-7d1c-4f1e-9a3b-2c4d5e6f7081";

TEST(my_missions_json, says_who_has_a_mission) {
  mission_list list;
  list.now = noon;
  mission_status m;
  m.id = {"m1"};
  m.title = "Fit";
  m.state = "active";
  m.next_run_at = noon;
  m.lease_until = noon;
  m.lease_owner = "replica-7";
  m.foreground = true;
  m.attempts = 2;
  m.not_running_because = "running";
  list.missions.push_back(m);
  list.budget.tokens_today = 5;
  auto text = my_missions_json(list);
  EXPECT_EQ(text, R"({"now":"2023-11-14T22:13:20.123Z","missions":[{"missionId":"m1","title":"Fit","state":"active",)"
                  R"("nextRunAt":"2023-11-14T22:13:20.123Z","retryAt":null,"leasedUntil":"2023-11-14T22:13:20.123Z",)"
                  R"("leasedBy":"browser","attempts":2,"lastError":null,"notRunningBecause":"running"}],)"
                  R"("budget":{"runsThisHour":0,"runsPerHour":null,"tokensToday":5,"tokensPerDay":null,)"
                  R"("waitsUntil":null}})");
  list.missions[0].foreground = false;
  EXPECT_NE(my_missions_json(list).find(R"("leasedBy":"server")"), std::string::npos);
  list.missions[0].lease_until.reset();
  EXPECT_NE(my_missions_json(list).find(R"("leasedBy":null)"), std::string::npos);
}

TEST(foreground_run_json, has_the_four_members) {
  EXPECT_EQ(foreground_run_json({{token}, noon, "iteration", noon + 15s}),
            R"({"leaseToken":")" + token
                + R"(","slot":"2023-11-14T22:13:20.123Z","iterationId":"iteration",)"
                  R"("leasedUntil":"2023-11-14T22:13:35.123Z"})");
}

TEST(read_renewal, takes_the_token_and_nothing_else) {
  auto r = read_renewal(R"({"leaseToken":")" + token + R"("})");
  ASSERT_TRUE(r);
  EXPECT_EQ(r->value, token);
  for (auto& [body, says] : std::vector<std::pair<std::string, std::string>>{
           {"", "the body is not a JSON object"},
           {"[]", "the body is not a JSON object"},
           {"{}", "leaseToken: is missing"},
           {R"({"leaseToken":1})", "leaseToken: must be a text"},
           {R"({"leaseToken":""})", "leaseToken: is missing"},
           {R"({"leaseToken":"x"})", "leaseToken: is no token of a run"},
           {R"({"leaseToken":")" + token + R"(","slot":1})", "slot: is not known here"},
           {std::string(5'000, ' '), "the body is larger than 4 KiB"}}) {
    auto wrong = read_renewal(body);
    ASSERT_FALSE(wrong) << body;
    EXPECT_EQ(wrong.error().detail, says) << body;
  }
}

TEST(read_lease_token, is_a_uuid) {
  EXPECT_TRUE(read_lease_token(token));
  EXPECT_FALSE(read_lease_token(token + "0"));
  EXPECT_FALSE(read_lease_token("0b8e6a5-27d1c-4f1e-9a3b-2c4d5e6f7081"));
  EXPECT_FALSE(read_lease_token("gb8e6a52-7d1c-4f1e-9a3b-2c4d5e6f7081"));
}

struct llm_place_test : testing::Test {
  llm_place_test() {
    s.llm_url = "http://127.0.0.1:3067";
    s.port = 3067;
    s.llm_model = "m";
    s.llm_max_tokens = 2000;
  }
  llm_place place(std::string_view targets = "all") { return llm_place_of(s, *config::parse_targets(targets)); }
  config::settings s;
};

TEST_F(llm_place_test, a_stand_in_of_this_process_is_recognised) {
  EXPECT_TRUE(place().stand_in);
  EXPECT_FALSE(place("runner").stand_in);
  s.standin_port = 3068;
  EXPECT_FALSE(place().stand_in);
  s.llm_url = "http://localhost:3068/v1";
  EXPECT_TRUE(place().stand_in);
}

TEST_F(llm_place_test, another_one_is_named_by_its_setting) {
  s.llm_url = "https://llm.example/v1";
  EXPECT_FALSE(place().stand_in);
  s.llm_is_standin = true;
  EXPECT_TRUE(place().stand_in);
}

TEST_F(llm_place_test, all_places_where_text_may_go_are_told) {
  s.llm_url = "https://llm.example/v1";
  s.llm_url_2 = "http://other.example:8080";
  EXPECT_EQ(llm_place_json(place()),
            R"({"host":"llm.example","fallbackHosts":["other.example:8080"],"model":"m","standIn":false,)"
            R"("maxTokens":2000})");
}

} // namespace
} // namespace mana::http
