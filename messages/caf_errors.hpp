// mana::errc as an error of CAF's, and the way back: at the border between actors and pure code.
#pragma once

#include "messages/errors.hpp"
#include "messages/result.hpp"

#include <caf/all.hpp>

CAF_ERROR_CODE_ENUM(mana::errc, "mana")

namespace mana {

inline caf::error to_caf(failure f) { return caf::make_error(f.code, std::move(f.detail)); }

// Errors of CAF itself: a request whose receiver is gone is `cancelled`; one that was not answered in
// time is `database_timeout`, since only requests that end at the database have a timeout; anything
// else is `internal`.
inline failure to_failure(const caf::error& e) {
  failure f;
  if (e.category() == caf::atom("mana"))
    f.code = static_cast<errc>(e.code());
  else if (e == caf::sec::request_receiver_down || e.category() == caf::atom("exit"))
    f.code = errc::cancelled;
  else if (e == caf::sec::request_timeout)
    f.code = errc::database_timeout;
  else
    f.code = errc::internal;
  if (e.context().match_elements<std::string>())
    f.detail = e.context().get_as<std::string>(0);
  return f;
}

} // namespace mana
