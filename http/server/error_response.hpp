// Errors as clients see them: `{"error": <text>, "code": <CODE>}`. The one place that maps error
// codes of the application to HTTP.
#pragma once

#include "http/server/message.hpp"
#include "messages/result.hpp"

#include <string>
#include <string_view>

namespace mana::http {

struct status_and_code {
  unsigned status;
  std::string_view code;
};

status_and_code to_http(errc code) noexcept;

response error_response(unsigned status, std::string_view code, std::string_view text);

// Of a failure with a 4xx status the detail is shown, of all others a fixed text: details of the
// database or of a defect are for the log. With 401 goes the challenge that RFC 9110 asks for.
response error_response(const failure& f);

// 500 INTERNAL
response internal_error();

} // namespace mana::http
