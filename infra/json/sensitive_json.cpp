#include "infra/json/sensitive_json.hpp"

#include "infra/json/utf8.hpp"

#include <rapidjson/reader.h>
#include <rapidjson/writer.h>

#include <cassert>
#include <cstring>

namespace mana::json {

namespace {

// Where a document's text is, if it is one.
struct text_finder : rapidjson::BaseReaderHandler<rapidjson::UTF8<>, text_finder> {
  bool Default() { return true; }
  bool Key(const char*, rapidjson::SizeType, bool) { return true; }
  bool StartObject() { return nested(); }
  bool StartArray() { return nested(); }
  bool String(const char* text, rapidjson::SizeType size, bool) {
    if (!in_container)
      found = std::string_view{text, size};
    return true;
  }

  bool in_container = false;
  std::optional<std::string_view> found;

private:
  bool nested() {
    in_container = true;
    return true;
  }
};

// RapidJSON's events as ours.
struct reader_events : rapidjson::BaseReaderHandler<rapidjson::UTF8<>, reader_events> {
  explicit reader_events(sensitive_reader& r) : reader(r) {}
  bool Default() { return reader.other(); }
  bool StartObject() { return reader.begin_object(); }
  bool EndObject(rapidjson::SizeType) { return reader.end_object(); }
  bool StartArray() { return reader.begin_array(); }
  bool EndArray(rapidjson::SizeType) { return reader.end_array(); }
  bool Key(const char* name, rapidjson::SizeType size, bool) { return reader.key({name, size}); }
  bool String(const char* text, rapidjson::SizeType size, bool) { return reader.text({text, size}); }
  bool RawNumber(const char* token, rapidjson::SizeType size, bool) { return reader.number({token, size}); }

  sensitive_reader& reader;
};

constexpr unsigned parse_flags =
    rapidjson::kParseInsituFlag | rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;

// What RapidJSON's writer writes to.
struct text_stream {
  using Ch = char;
  void Put(char c) { out.append({&c, 1}); }
  void Flush() {}
  sensitive_text out;
};

bool is_plain(char c) { return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\'; }

void append_escape(sensitive_text& out, char c) {
  static constexpr char digits[] = "0123456789abcdef";
  auto u = static_cast<unsigned char>(c);
  const char escape[] = {'\\', 'u', '0', '0', digits[u >> 4], digits[u & 15]};
  switch (c) {
    case '"': out.append("\\\""); break;
    case '\\': out.append("\\\\"); break;
    case '\n': out.append("\\n"); break;
    case '\t': out.append("\\t"); break;
    default: out.append({escape, sizeof escape});
  }
}

void append_quoted(sensitive_text& out, std::string_view s) {
  out.append("\"");
  for (std::size_t i = 0; i < s.size();) {
    auto run = i;
    std::size_t length = 0;
    while (run < s.size() && is_plain(s[run]) && (length = utf8_sequence_length(s, run)) > 0)
      run += length;
    out.append(s.substr(i, run - i));
    i = run;
    if (i == s.size())
      break;
    is_plain(s[i]) ? static_cast<void>(out.append(utf8_replacement)) : append_escape(out, s[i]);
    ++i;
  }
  out.append("\"");
}

} // namespace

result<std::optional<sensitive_text>> take_text(sensitive_text document) {
  auto size = document.size();
  document.append({"\0", 1}); // in-situ parsing wants an end
  rapidjson::InsituStringStream in{document.data()};
  rapidjson::Reader reader;
  text_finder finder;
  bool parsed = !reader.Parse<parse_flags>(in, finder).IsError();
  if (!parsed || in.Tell() != size) // a NUL inside of the document ends it for the parser
    return failure{errc::json_malformed, "decrypted value"};
  if (!finder.found)
    return std::optional<sensitive_text>{};
  auto length = finder.found->size();
  std::memmove(document.data(), finder.found->data(), length);
  document.resize(length);
  return std::optional{std::move(document)};
}

bool read_in_place(sensitive_text& document, sensitive_reader& reader) {
  auto size = document.size();
  document.append({"\0", 1});
  rapidjson::InsituStringStream in{document.data()};
  rapidjson::Reader parser;
  reader_events events{reader};
  return !parser.Parse<parse_flags | rapidjson::kParseNumbersAsStringsFlag>(in, events).IsError() && in.Tell() == size;
}

// RapidJSON's writer keeps the structure; strings go around it in whole runs.
struct sensitive_writer::state {
  text_stream stream;
  rapidjson::Writer<text_stream> writer{stream};
};

sensitive_writer::sensitive_writer(std::size_t expected_size) : state_(std::make_unique<state>()) {
  state_->stream.out.reserve(expected_size);
}
sensitive_writer::~sensitive_writer() = default;

void sensitive_writer::begin_object() { state_->writer.StartObject(); }
void sensitive_writer::end_object() { state_->writer.EndObject(); }
void sensitive_writer::begin_array() { state_->writer.StartArray(); }
void sensitive_writer::end_array() { state_->writer.EndArray(); }
void sensitive_writer::key(std::string_view name) {
  state_->writer.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
}
void sensitive_writer::number(const json::number& n) {
  state_->writer.RawValue(n.text.data(), n.text.size(), rapidjson::kNumberType);
}
void sensitive_writer::text(std::string_view s) {
  state_->writer.RawValue("", 0, rapidjson::kStringType);
  append_quoted(state_->stream.out, s);
}

sensitive_text sensitive_writer::take() && {
  assert(state_->writer.IsComplete());
  return std::move(state_->stream.out);
}

} // namespace mana::json
