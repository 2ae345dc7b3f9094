// Where a client stands in its change log.
//
// Rows are read in the order (transaction, created_at, id). `floor` is what a client has for certain: it
// never passes the oldest transaction that has not ended, so no row can appear below it any more. A page
// may hold rows from beyond; while there is more of those than a page holds, `ahead` says where to go on
// within this sequence of pages. When the sequence ends only the floor remains, and what lay beyond it
// comes again.
#pragma once

#include "messages/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mana {

// Behind one row; without a row: in front of every row of the transaction.
struct log_position {
  std::uint64_t transaction = 0;
  std::optional<std::int64_t> created_us;
  std::string id; // UUID text; set when created_us is
  friend bool operator==(const log_position&, const log_position&) = default;
};

struct log_cursor {
  std::string era;   // the database cluster, whose transactions are counted; see era_of()
  std::string scope; // user and app, see scope_of()
  log_position floor;
  std::optional<log_position> ahead;
  friend bool operator==(const log_cursor&, const log_cursor&) = default;

  const log_position& position() const { return ahead ? *ahead : floor; }
};

// Eight hexadecimal digits each. Another cluster (restored from a dump) counts transactions anew.
std::string era_of(std::string_view cluster_id);
std::string scope_of(std::string_view user, std::string_view app);

std::string to_text(const log_cursor& c);
// nullopt: not of that form.
std::optional<log_cursor> parse_cursor(std::string_view text);

// A client's `since`: a cursor, a point in time (microseconds since 1970, inclusive), or neither for the
// beginning.
struct starting_point {
  std::optional<log_cursor> cursor;
  std::optional<std::int64_t> from_us;
  friend bool operator==(const starting_point&, const starting_point&) = default;
};
// bad_request: it is none of these, or a cursor of another user or app. Its era is the caller's to judge.
result<starting_point> parse_since(std::string_view since, std::string_view scope);

// A page that was read: where its last row stands; nullopt: there is none.
struct page_end {
  std::optional<log_position> last;
  bool has_more = false;
};
// The cursor behind a page that was read from `from` on. `horizon`: the oldest transaction that had not
// ended before the page was read.
log_cursor cursor_behind(const log_cursor& from, const page_end& page, std::uint64_t horizon);

} // namespace mana
