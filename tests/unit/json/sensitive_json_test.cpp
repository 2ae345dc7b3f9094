#include "infra/json/sensitive_json.hpp"

#include <gtest/gtest.h>

#include <string>

namespace mana::json {
namespace {

// The text, `other` for a document of another type, `malformed`.
std::string taken(std::string_view document) {
  auto r = take_text(sensitive_text{document});
  if (!r)
    return "malformed";
  return *r ? "text " + std::string{(*r)->view()} : "other";
}

TEST(take_text, gives_the_text_of_a_string) {
  EXPECT_EQ(taken(R"("Zahnarzt")"), "text Zahnarzt");
  EXPECT_EQ(taken(R"( "a\"b\\c\n\u00e4\ud83d\ude00" )"), "text a\"b\\c\nä😀");
  EXPECT_EQ(taken(R"("")"), "text ");
  EXPECT_EQ(taken("\"a\\u0000b\""), std::string("text a\0b", 8));
}

TEST(take_text, other_documents_have_no_text) {
  for (auto* document : {"null", "true", "7", "-1.5e3", "[]", R"(["a"])", R"({"a":"b"})", "{}", R"([{"a":["b"]}])"})
    EXPECT_EQ(taken(document), "other") << document;
}

TEST(take_text, refuses_what_is_no_document) {
  for (auto* document : {"", " ", "\"", "\"a", "a", "\"a\" x", "\"a\"\"b\"", "[\"a\"", "{\"a\"}", "'a'", "\"\\x\"",
                         "\"\\ud800\"", "\"\xff\"", "\"\x01\"", "nul"})
    EXPECT_EQ(taken(document), "malformed") << document;
  EXPECT_EQ(taken(std::string("\"a\"\0", 4)), "malformed");
  EXPECT_EQ(taken(std::string("\"a\"\0junk", 8)), "malformed");
  EXPECT_EQ(taken(std::string("\"a\0b\"", 5)), "malformed");
}

TEST(take_text, depth_costs_no_stack) {
  std::string deep(1'000'000, '[');
  EXPECT_EQ(taken(deep), "malformed");
  EXPECT_EQ(taken(deep + std::string(deep.size(), ']')), "other");
}

TEST(sensitive_writer, writes_a_document) {
  sensitive_writer w{0};
  w.begin_object();
  w.key("a\"");
  w.text("\"x\\\n\t\x01ä");
  w.key("n");
  w.number({"0.5"});
  w.key("list");
  w.begin_array();
  w.text("");
  w.text("y");
  w.end_array();
  w.end_object();
  EXPECT_EQ(std::move(w).take().view(), R"({"a\"":"\"x\\\n\t\u0001ä","n":0.5,"list":["","y"]})");
}

TEST(sensitive_writer, replaces_what_is_no_utf8) {
  sensitive_writer w{0};
  w.text("a\xff\xc3(\xe2\x82");
  EXPECT_EQ(std::move(w).take().view(), "\"a\uFFFD\uFFFD(\uFFFD\uFFFD\"");
}

} // namespace
} // namespace mana::json
