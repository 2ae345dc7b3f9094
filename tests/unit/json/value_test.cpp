#include "infra/json/value.hpp"
#include "tests/unit/json/random_seed.hpp"

#include <gtest/gtest.h>

#include <rapidjson/document.h>

#include <random>

namespace mana::json {
namespace {

value parsed(std::string_view text) {
  auto v = parse(text);
  EXPECT_TRUE(v) << text << ": " << (v ? "" : v.error().detail);
  return v ? *v : value{};
}

std::string nested(std::size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); }

TEST(json_parse, reads_every_type) {
  auto v = parsed(
      R"( {"n": null, "t": true, "f": false, "i": -12, "d": 1.5e3, "s": "a\"\u00e4\n", "a": [1, []], "o": {}} )");
  EXPECT_TRUE(v.find("n")->is_null());
  EXPECT_TRUE(*v.find("t")->as_bool());
  EXPECT_FALSE(*v.find("f")->as_bool());
  EXPECT_EQ(v.find("i")->as_integer(), -12);
  EXPECT_EQ(v.find("d")->as_double(), 1500.0);
  EXPECT_EQ(v.text("s"), "a\"\xC3\xA4\n");
  EXPECT_EQ(v.find("a")->as_array()->size(), 2u);
  EXPECT_TRUE(v.find("o")->as_object()->empty());
}

TEST(json_parse, reads_scalar_documents) {
  EXPECT_TRUE(parsed("null").is_null());
  EXPECT_TRUE(*parsed(" true ").as_bool());
  EXPECT_FALSE(*parsed("false\n").as_bool());
  EXPECT_EQ(parsed(" 12 ").as_integer(), 12);
  EXPECT_EQ(*parsed("\"x\"").as_string(), "x");
}

TEST(json_parse, rejects_what_is_not_json) {
  for (auto* text : {"",          " ",           "nul",        "nulx",         "nullx",       "n",
                     "tru",       "truex",       "falsy",      "\"",           "\"a",         "[",
                     "]",         "{",           "}",          "[1",           "[1,]",        "[,]",
                     "[1 2]",     "[1,,2]",      "[]]",        "{}}",          "[] []",       "{} 1",
                     "1 2",       "null null",   "true false", "\"a\" \"b\"",  "{\"a\"}",     "{\"a\":}",
                     "{\"a\" 1}", "{\"a\":1,}",  "{,}",        "{1:2}",        "{a:1}",       "{\"a\":1 \"b\":2}",
                     "[nul]",     "[nulx]",      "[truex]",    "{\"a\":nulx}", "01",          "1.",
                     ".5",        "+1",          "1e",         "1e+",          "0x1",         "-",
                     "- 1",       "[01]",        "[1.]",       "[-]",          "[1e]",        "NaN",
                     "Infinity",  "'a'",         "\"\\x\"",    "\"\\u12\"",    "\"\\ud800\"", "\"\t\"",
                     "\"\xff\"",  "{\"\\q\":1}", "// c\n1",    "[1}",          "{\"a\":1]"}) {
    auto v = parse(text);
    ASSERT_FALSE(v) << text;
    EXPECT_EQ(v.error().code, errc::json_malformed) << text;
  }
}

TEST(json_parse, rejects_nul_bytes_and_text_after_them) {
  EXPECT_FALSE(parse(std::string_view{"1\0", 2}));
  EXPECT_FALSE(parse(std::string_view{"{}\0{}", 5}));
}

TEST(json_parse, limits_depth) {
  EXPECT_TRUE(parse(nested(max_depth)));
  EXPECT_FALSE(parse(nested(max_depth + 1)));
  EXPECT_FALSE(parse(nested(100'000)));
  EXPECT_FALSE(parse(std::string(100'000, '[')));
  std::string objects;
  for (std::size_t i = 0; i < max_depth; ++i)
    objects += "{\"a\":";
  EXPECT_FALSE(parse(objects + "1" + std::string(max_depth, '}')));
}

TEST(json_parse, keeps_the_later_of_two_members_with_one_name) {
  auto v = parsed(R"({"a": 1, "b": 2, "a": 3})");
  EXPECT_EQ(v.as_object()->size(), 2u);
  EXPECT_EQ(v.find("a")->as_integer(), 3);
}

TEST(json_parse, takes_linear_time_for_many_members) {
  std::string text = "{";
  for (int i = 0; i < 100'000; ++i)
    text += "\"k" + std::to_string(i) + "\":0,";
  text.back() = '}';
  auto v = parsed(text); // quadratic, this takes minutes
  EXPECT_EQ(v.as_object()->size(), 100'000u);
  EXPECT_NE(v.find("k99999"), nullptr);
}

TEST(json_number, keeps_its_text) {
  for (auto* text :
       {"0", "-0", "1.50", "123456789012345678901234567890", "1e400", "0.1000000000000000055511151231257827"})
    EXPECT_EQ(to_text(parsed(text)), text);
}

TEST(json_number, is_an_integer_only_when_it_is_exactly_one_and_fits) {
  auto integer = [](const char* text) { return parsed(text).as_integer(); };
  EXPECT_EQ(integer("9"), 9);
  EXPECT_EQ(integer("9.0"), 9);
  EXPECT_EQ(integer("9e0"), 9);
  EXPECT_EQ(integer("90E-1"), 9);
  EXPECT_EQ(integer("0.9e+1"), 9);
  EXPECT_EQ(integer("-0.0"), 0);
  EXPECT_EQ(integer("0e999"), 0);
  EXPECT_EQ(integer("1e18"), 1'000'000'000'000'000'000);
  EXPECT_EQ(integer("9223372036854775807"), INT64_MAX);
  EXPECT_EQ(integer("-9223372036854775808.00"), INT64_MIN);
  EXPECT_EQ(integer("9007199254740993.0"), 9007199254740993);
  for (auto* text : {"9.5", "-0.1", "0.99999999999999999999999", "9223372036854775808", "1e19", "1e999999999999",
                     "1e-1", "1e-999", "1e9223372036854775808"})
    EXPECT_EQ(integer(text), std::nullopt) << text;
  EXPECT_EQ(parsed("\"9\"").as_integer(), std::nullopt);
}

TEST(json_number, is_a_double_only_in_range) {
  EXPECT_EQ(parsed("1.5").as_double(), 1.5);
  EXPECT_EQ(parsed("-2e3").as_double(), -2000.0);
  EXPECT_EQ(parsed("1e400").as_double(), std::nullopt);
  EXPECT_EQ(parsed("true").as_double(), std::nullopt);
}

TEST(json_text, escapes_and_repairs) {
  EXPECT_EQ(to_text("a\"\\\n\x01"), R"("a\"\\\n\u0001")");
  EXPECT_EQ(to_text("\xC3\xA4\xF0\x9F\x98\x80"), "\"\xC3\xA4\xF0\x9F\x98\x80\"");
  EXPECT_EQ(to_text("a\xFF"
                    "b\xC3"),
            "\"a\xEF\xBF\xBD"
            "b\xEF\xBF\xBD\"");
  EXPECT_EQ(to_text("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""); // a surrogate
  object o;
  o.set("\xFF", 1);
  EXPECT_EQ(to_text(o), "{\"\xEF\xBF\xBD\":1}");
  EXPECT_EQ(to_text(std::string_view{"a\0b", 3}), "\"a\\u0000b\"");
}

TEST(json_text, round_trips) {
  for (auto* text : {R"({"a":[1,2.50,{"b":null}],"c":"\u0000","":{}})", "[]", "null", "\"\"", "[[[[]]]]"})
    EXPECT_EQ(to_text(parsed(text)), text);
}

TEST(json_object, sets_finds_and_erases_at_every_size) {
  object o;
  for (int i = 0; i < 300; ++i) {
    o.set("k" + std::to_string(i), i);
    for (int j = 0; j <= i; ++j)
      ASSERT_EQ(o.find("k" + std::to_string(j))->as_integer(), j);
    ASSERT_EQ(o.find("absent"), nullptr);
  }
  o.set("k7", "seven");
  EXPECT_EQ(o.size(), 300u);
  EXPECT_FALSE(o.erase("absent"));
  for (int i = 0; i < 300; i += 2)
    EXPECT_TRUE(o.erase("k" + std::to_string(i)));
  for (int i = 0; i < 300; ++i)
    EXPECT_EQ(o.find("k" + std::to_string(i)) != nullptr, i % 2 == 1);
  auto copy = o;
  auto moved = std::move(o);
  EXPECT_EQ(copy, moved);
  EXPECT_EQ(*moved.find("k7")->as_string(), "seven");
  moved.set("new", 1);
  EXPECT_NE(copy, moved);
}

TEST(json_object, compares_whatever_the_order) {
  EXPECT_EQ(parsed(R"({"a":1,"b":[2]})"), parsed(R"({"b":[2],"a":1})"));
  EXPECT_NE(parsed(R"({"a":1})"), parsed(R"({"a":1,"b":2})"));
  EXPECT_NE(parsed(R"({"a":1})"), parsed(R"({"b":1})"));
  EXPECT_NE(parsed("[1,2]"), parsed("[2,1]"));
}

TEST(json_value, answers_for_the_wrong_type) {
  value v{12};
  EXPECT_EQ(v.find("a"), nullptr);
  EXPECT_EQ(v.text("a"), "");
  EXPECT_EQ(v.as_string(), nullptr);
  EXPECT_EQ(parsed(R"({"a":1})").text("a"), "");
}

// Mutated documents: parse() accepts what RapidJSON, told to be strict, accepts, and what it
// accepts it writes back with the same meaning.
TEST(json_parse, agrees_with_another_parser) {
  std::mt19937 random{random_seed()};
  const std::string base = R"({"a":[1,-2.5e3,true,null,"x\u00e4\n"],"b":{"c":false,"d":[{},[],""]},"e":"f"})";
  const std::string bytes = "{}[],:\"\\ntrufalse0123456789.-+eE \n\tx";
  for (int round = 0; round < 20'000; ++round) {
    auto text = base;
    for (auto n = random() % 3 + 1; n > 0; --n) {
      auto at = random() % text.size();
      switch (random() % 4) {
        case 0: text.erase(at, random() % 3 + 1); break;
        case 1: text.insert(at, 1, bytes[random() % bytes.size()]); break;
        case 2: text[at] = bytes[random() % bytes.size()]; break;
        default: text = text.substr(0, at + 1); break;
      }
      if (text.empty())
        break;
    }
    rapidjson::Document other;
    other.Parse<rapidjson::kParseValidateEncodingFlag | rapidjson::kParseNumbersAsStringsFlag>(text.data(),
                                                                                               text.size());
    if (other.GetParseError() == rapidjson::kParseErrorNumberTooBig)
      continue; // it stops at 1e309, jsonb does not
    auto v = parse(text);
    ASSERT_EQ(static_cast<bool>(v), !other.HasParseError()) << text;
    if (v) {
      auto again = parse(to_text(*v));
      ASSERT_TRUE(again) << text;
      ASSERT_EQ(*again, *v) << text;
    }
  }
}

} // namespace
} // namespace mana::json
