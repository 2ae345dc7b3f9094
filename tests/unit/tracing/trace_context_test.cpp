#include "infra/tracing/trace_context.hpp"

#include <gtest/gtest.h>

#include <string>

using namespace mana;
using namespace mana::tracing;

namespace {

// The example of the specification.
const std::string good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

std::string formatted(const span_context& c) {
  auto text = format_traceparent(c);
  return {text.data(), text.size()};
}

std::string with(std::size_t at, const std::string& text) { return std::string{good}.replace(at, text.size(), text); }

TEST(traceparent, is_read_and_written) {
  auto c = parse_traceparent(good);
  ASSERT_TRUE(c);
  EXPECT_EQ(c->trace.bytes[0], 0x4B);
  EXPECT_EQ(c->trace.bytes[15], 0x36);
  EXPECT_EQ(c->span.bytes[1], 0xF0);
  EXPECT_TRUE(c->sampled);
  EXPECT_EQ(formatted(*c), good);
  c->sampled = false;
  EXPECT_EQ(formatted(*c), with(53, "00"));
}

TEST(traceparent, knows_one_flag_and_sends_no_other) {
  EXPECT_FALSE(parse_traceparent(with(53, "02"))->sampled);
  EXPECT_EQ(formatted(*parse_traceparent(with(53, "03"))), good);
  EXPECT_TRUE(parse_traceparent(with(53, "ff"))->sampled);
}

TEST(traceparent, that_is_malformed_is_none) {
  const std::string bad[] = {
      "",
      "00",
      good.substr(0, 54),
      good + "0",
      good + "-",
      good + "-00", // version 00 has nothing there
      " " + good,
      good + " ",
      good + ", " + good,             // two headers
      with(3, "4BF9"),                // upper case
      with(36, "00F0"),               //
      with(53, "0A"),                 //
      with(3, std::string(32, '0')),  // no trace
      with(36, std::string(16, '0')), // no span
      with(3, "4bg9"),                // no hex
      with(3, "0x"),                  //
      with(53, "-1"),                 //
      with(2, "_"),                   // other separators
      with(35, "_"),                  //
      with(52, "_"),                  //
      "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-00",
      with(0, "ff"), // no version
      with(0, "FF"), //
      with(0, "0 "), //
      std::string(55, '\0'),
  };
  for (auto& text : bad)
    EXPECT_FALSE(parse_traceparent(text)) << text;
}

TEST(traceparent, of_a_later_version_is_read_as_far_as_it_is_known) {
  for (auto text : {with(0, "01"), with(0, "cc") + "-what-the-future-will-be-like", with(0, "fe") + "-"}) {
    auto c = parse_traceparent(text);
    ASSERT_TRUE(c) << text;
    EXPECT_EQ(formatted(*c), good);
  }
  for (auto text : {with(0, "01") + ".", with(0, "01") + "0", with(0, "01").substr(0, 54)})
    EXPECT_FALSE(parse_traceparent(text)) << text;
}

TEST(tracestate, is_passed_on_as_it_is) {
  for (std::string text : {"congo=t61rcWkgMzE", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", "a=1 , b=2,,c=3\t",
                           "tenant@vendor=x", "0a_-*/=!~"})
    EXPECT_EQ(usable_tracestate(text), text);
  auto longest = "a=" + std::string(252, 'x') + ",b=" + std::string(255, 'y');
  ASSERT_EQ(longest.size(), 512u);
  EXPECT_EQ(usable_tracestate(longest), longest);
}

TEST(tracestate, that_is_too_long_or_malformed_is_dropped) {
  std::string many;
  for (int i = 0; i < 33; ++i)
    many += (i == 0 ? "k" : ",k") + std::to_string(i) + "=v";
  for (auto text :
       {std::string{}, std::string{","}, std::string{"novalue"}, std::string{"=v"}, std::string{"k="},
        std::string{"K=v"}, std::string{"_k=v"}, std::string{"k=a=b"}, std::string{"k=\x01"}, std::string{"k=\r\nX: y"},
        std::string{"k=\xC3\xA4"}, std::string{"a@b@c=v"}, many, "a=" + std::string(511, 'x')})
    EXPECT_EQ(usable_tracestate(text), "") << text;
}

} // namespace
