#include "infra/http_client/response_reader.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>

#include <algorithm>

namespace mana::net {

namespace http = boost::beast::http;
using boost::system::error_code;

namespace {
constexpr std::size_t max_retry_after = 64;
constexpr int max_interim = 8;
} // namespace

response_reader::response_reader(std::size_t max_header, std::size_t max_body)
  : max_header_(max_header), max_body_(max_body) {
  next_message();
}

void response_reader::next_message() {
  parser_.emplace();
  // Not eager: Beast 1.74 forgets the body limit of a Content-Length when body bytes follow the
  // header in the same buffer and it goes on by itself.
  parser_->eager(false);
  parser_->header_limit(static_cast<std::uint32_t>(max_header_));
  parser_->body_limit(max_body_);
}

read_progress response_reader::feed(std::string_view bytes) {
  bool spilled = !unparsed_.empty();
  if (spilled)
    bytes = unparsed_.append(bytes);
  for (;;) {
    error_code ec;
    auto used = parser_->put(boost::asio::const_buffer{bytes.data(), bytes.size()}, ec);
    bytes.remove_prefix(used);
    if (ec && ec != http::error::need_more)
      return fail(ec);
    if (parser_->is_done()) {
      auto status = parser_->get().result_int();
      if (status >= 200 || status == 101) {
        reusable_ = bytes.empty() && status != 101 && parser_->get().keep_alive();
        return finish();
      }
      if (++interim_ > max_interim)
        return fail(http::error::bad_status);
      next_message();
      if (!bytes.empty())
        continue;
    }
    if (used == 0 || bytes.empty())
      break;
  }
  // Beast bounds a header, but neither a chunk's extensions nor a trailer.
  if (bytes.size() > max_header_)
    return fail(http::error::header_limit);
  unparsed_ = std::string{bytes};
  return read_progress::need_more;
}

read_progress response_reader::end_of_stream() {
  if (!parser_->got_some())
    return fail(http::error::end_of_stream);
  error_code ec;
  parser_->put_eof(ec);
  if (ec)
    return fail(ec);
  if (!parser_->is_done())
    return fail(http::error::partial_message);
  return finish();
}

read_progress response_reader::fail(error_code ec) {
  bool too_large =
      ec == http::error::header_limit || ec == http::error::body_limit || ec == http::error::buffer_overflow;
  response_.what = too_large ? outcome::too_large : outcome::transport_failed;
  if (ec == http::error::end_of_stream)
    response_.detail = "the connection was closed without an answer";
  else if (ec == http::error::partial_message)
    response_.detail = "the connection was closed within the answer";
  else
    response_.detail = "answer: " + ec.message();
  parser_.reset();
  unparsed_.clear();
  return read_progress::failed;
}

read_progress response_reader::finish() {
  auto& message = parser_->get();
  response_.status = message.result_int();
  auto header = message[http::field::retry_after];
  response_.retry_after.assign(header.data(), std::min(header.size(), max_retry_after));
  response_.body = std::move(message.body());
  parser_.reset();
  unparsed_.clear();
  return read_progress::done;
}

} // namespace mana::net
