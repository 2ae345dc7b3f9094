#include "http/web/negotiation.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

using namespace mana::http;

namespace {

struct negotiated {
  std::string accepted;
  coding with_both;
  coding with_gzip;
};

TEST(negotiation, takes_the_best_coding_that_is_there) {
  const std::vector<negotiated> cases{
      {"", coding::identity, coding::identity},
      {"br", coding::brotli, coding::identity},
      {"gzip", coding::gzip, coding::gzip},
      {"gzip, deflate, br, zstd", coding::brotli, coding::gzip}, // Chromium's
      {"GZIP , Br", coding::brotli, coding::gzip},
      {"x-gzip", coding::gzip, coding::gzip},
      {"br;q=0.5, gzip;q=0.9", coding::gzip, coding::gzip},
      {"br;q=0.9, gzip;q=0.5", coding::brotli, coding::gzip},
      {"br ; q=1.000 ,gzip; Q=1", coding::brotli, coding::gzip},
      {"br;q=0, gzip", coding::gzip, coding::gzip},
      {"br;q=0, gzip;q=0", coding::identity, coding::identity},
      {"*", coding::brotli, coding::gzip},
      {"*;q=0", coding::identity, coding::identity},
      {"gzip;q=0, *", coding::brotli, coding::identity},
      {"identity, br;q=0.5", coding::identity, coding::identity},
      {"identity;q=0.5, br;q=0.5", coding::brotli, coding::identity},
      {"identity;q=0", coding::identity, coding::identity}, // nothing else is accepted either
      {"deflate, zstd", coding::identity, coding::identity},
      {"brotli, gzipped", coding::identity, coding::identity},
      {",, ,br,,", coding::brotli, coding::identity},
  };
  for (auto& c : cases) {
    EXPECT_EQ(choose_coding(c.accepted, {true, true}), c.with_both) << c.accepted;
    EXPECT_EQ(choose_coding(c.accepted, {false, true}), c.with_gzip) << c.accepted;
    EXPECT_EQ(choose_coding(c.accepted, {false, false}), coding::identity) << c.accepted;
  }
}

TEST(negotiation, does_not_use_what_has_a_weight_that_is_none) {
  for (auto* weight :
       {"q=", "q=2", "q=1.1", "q=0.1234", "q=-1", "q=.5", "q=1;5", "w=1", "q", "q=0..1", "q=nan", "q=01"})
    EXPECT_EQ(choose_coding(std::string{"br;"} + weight, {true, true}), coding::identity) << weight;
}

TEST(negotiation, finds_a_tag_among_those_of_if_none_match) {
  EXPECT_TRUE(names_tag("\"a\"", "\"a\""));
  EXPECT_TRUE(names_tag("\"b\", \"a\"", "\"a\""));
  EXPECT_TRUE(names_tag("W/\"a\"", "\"a\"")); // proxies that transform weaken tags
  EXPECT_TRUE(names_tag("*", "\"a\""));
  for (auto* other : {"", "a", "\"A\"", "\"a", "\"ab\"", "\"a-br\"", "w/\"a\"", "\"b\" \"a\""})
    EXPECT_FALSE(names_tag(other, "\"a\"")) << other;
}

} // namespace
