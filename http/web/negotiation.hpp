// What the headers of a request ask of a file that may come compressed (RFC 9110, sections 12.5.3 and 13.1.2).
#pragma once

#include <string_view>

namespace mana::http {

enum class coding { identity, gzip, brotli };

struct codings {
  bool brotli = false;
  bool gzip = false;
};

// The coding with the highest weight among those that are there; of equal ones brotli, then gzip. `accepted` is the
// value of Accept-Encoding, empty: identity. A client that refuses all of them gets identity.
coding choose_coding(std::string_view accepted, codings available) noexcept;

// Whether If-None-Match names this entity tag (with its quotes); `*` names every one.
bool names_tag(std::string_view if_none_match, std::string_view tag) noexcept;

} // namespace mana::http
