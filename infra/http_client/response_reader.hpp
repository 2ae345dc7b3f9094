// response_reader: bytes in, a response out. Beast's parser behind limits; no I/O.
#pragma once

#include "infra/http_client/exchange.hpp"

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace mana::net {

enum class read_progress : std::uint8_t { need_more, done, failed };

class response_reader {
public:
  response_reader(std::size_t max_header, std::size_t max_body);

  // Interim responses (1xx) are skipped. After `done` or `failed` the reader takes no more.
  read_progress feed(std::string_view bytes);
  // The peer ended the stream: that completes a body without a length.
  read_progress end_of_stream();

  // After `done`: may the connection carry the next request?
  bool reusable() const { return reusable_; }
  // What there is after `done` or `failed`: too_large or transport_failed in the latter case.
  http_response take() { return std::move(response_); }

private:
  using parser = boost::beast::http::response_parser<boost::beast::http::string_body>;

  void next_message();
  read_progress fail(boost::system::error_code ec);
  read_progress finish();

  std::size_t max_header_;
  std::size_t max_body_;
  std::optional<parser> parser_;
  std::string unparsed_; // the beginning of a header or chunk that is not complete yet
  int interim_ = 0;
  bool reusable_ = false;
  http_response response_;
};

} // namespace mana::net
