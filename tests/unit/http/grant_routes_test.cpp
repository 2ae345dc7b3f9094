#include "http/grant_routes.hpp"

#include "actors/grant_issuer/grant_rules.hpp"

#include <gtest/gtest.h>

using namespace std::chrono_literals;
using namespace mana;
using namespace mana::http;

namespace {

result<issue_mission_grant> read(const std::string& text) {
  auto body = json::parse(text);
  EXPECT_TRUE(body) << text;
  return grant_request_of({"u1"}, *body);
}

std::string problem(const std::string& text) {
  auto r = read(text);
  if (r)
    return "";
  EXPECT_EQ(r.error().code, errc::bad_request);
  return r.error().detail;
}

std::chrono::milliseconds ttl(const std::string& number) {
  auto r = read(R"({"missionId":"m","tables":[],"recordIds":[],"ttlMs":)" + number + "}");
  EXPECT_TRUE(r) << number;
  return r ? clamped_ttl(r->ttl) : 0ms;
}

TEST(grant_request, is_read_from_its_body) {
  auto r = read(R"({"missionId":"m1","tables":["notes"],"recordIds":["notes:n1"],"ttlMs":7200000})");
  ASSERT_TRUE(r);
  EXPECT_EQ(r->user.value, "u1");
  EXPECT_EQ(r->mission.value, "m1");
  EXPECT_EQ(r->tables, std::vector<std::string>{"notes"});
  EXPECT_EQ(r->record_ids, std::vector<std::string>{"notes:n1"});
  EXPECT_EQ(r->ttl, 2h);
}

TEST(grant_request, names_the_field_of_a_wrong_type) {
  EXPECT_EQ(problem(R"({"tables":[],"recordIds":[]})"), "missionId: must be a string");
  EXPECT_EQ(problem(R"({"missionId":5,"tables":[],"recordIds":[]})"), "missionId: must be a string");
  EXPECT_EQ(problem(R"({"missionId":"m","tables":"notes","recordIds":[]})"), "tables: must be a list of strings");
  EXPECT_EQ(problem(R"({"missionId":"m","tables":["a",1],"recordIds":[]})"), "tables[1]: must be a string");
  EXPECT_EQ(problem(R"({"missionId":"m","tables":[]})"), "recordIds: must be a list of strings");
  EXPECT_EQ(problem(R"({"missionId":"m","tables":[],"recordIds":[null]})"), "recordIds[0]: must be a string");
  for (std::string value : {"null", "\"3600000\"", "true", "[]", "{}"})
    EXPECT_EQ(problem(R"({"missionId":"m","tables":[],"recordIds":[],"ttlMs":)" + value + "}"),
              "ttlMs: must be a number");
}

TEST(grant_request, lives_a_week_unless_it_says_otherwise) {
  auto r = read(R"({"missionId":"m","tables":[],"recordIds":[]})");
  ASSERT_TRUE(r);
  EXPECT_EQ(r->ttl, 7 * 24h);
}

TEST(grant_request, takes_any_number_as_a_life) {
  for (std::string number : {"0", "-1", "-1e400", "0.5", "3599999"})
    EXPECT_EQ(ttl(number), 1h) << number;
  for (std::string number : {"1e400", "9223372036854775808", "2592000001"})
    EXPECT_EQ(ttl(number), 30 * 24h) << number;
  EXPECT_EQ(ttl("7200000.5"), 2h);
}

} // namespace
