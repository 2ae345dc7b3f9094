// JSON of what must not stay in memory: strings out of decrypted values, and documents that hold decrypted
// text. All text is in sensitive_text; the libraries work inside of its buffer.
#pragma once

#include "infra/json/value.hpp"
#include "messages/sensitive_text.hpp"

#include <memory>
#include <optional>
#include <string_view>

namespace mana::json {

// The text of a document that is a string; nullopt for a document of another type. json_malformed when it
// is no document. Parsed in place and without recursion.
result<std::optional<sensitive_text>> take_text(sensitive_text document);

// What read_in_place() finds, in the document's order. A handler returns false to stop there. The views are into the
// document's buffer and valid as long as it is. Numbers come as they were written.
class sensitive_reader {
public:
  virtual ~sensitive_reader() = default;
  virtual bool begin_object() = 0;
  virtual bool end_object() = 0;
  virtual bool begin_array() = 0;
  virtual bool end_array() = 0;
  virtual bool key(std::string_view name) = 0;
  virtual bool text(std::string_view s) = 0;
  virtual bool number(std::string_view token) = 0;
  virtual bool other() = 0; // true, false, null
};

// Parses in place and without recursion, so no text leaves the buffer. False when it is no document, or when the reader
// stopped.
bool read_in_place(sensitive_text& document, sensitive_reader& reader);

// Writes one document. Calls must come in the order of JSON's grammar.
class sensitive_writer {
public:
  explicit sensitive_writer(std::size_t expected_size);
  ~sensitive_writer();
  sensitive_writer(const sensitive_writer&) = delete;
  sensitive_writer& operator=(const sensitive_writer&) = delete;

  void begin_object();
  void end_object();
  void begin_array();
  void end_array();
  void key(std::string_view name);
  // Bytes that are no UTF-8 are replaced by U+FFFD.
  void text(std::string_view s);
  void number(const json::number& n);

  sensitive_text take() &&;

private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace mana::json
