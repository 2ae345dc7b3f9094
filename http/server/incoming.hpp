// From the bytes of a request to a `request`, or to the answer that refuses it. What the connection
// does between two reads, apart from sockets.
#pragma once

#include "http/server/message.hpp"
#include "http/server/server.hpp"

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <optional>

namespace mana::http {

using request_parser = boost::beast::http::request_parser<boost::beast::http::string_body>;

// That of the body is set after the header, when the route is known.
void set_limits(request_parser& p, const server_config& cfg);
response body_too_large();

// After the header: what is refused before the body is read.
std::optional<response> refused_header(const request_parser& p);

// Of an error of the parser, the answer; nullopt: the connection's own, and nobody is there to read one.
std::optional<response> refused_bytes(const boost::system::error_code& ec);

// After the header: whose span is the request's parent; none when nobody says so, or not in one valid header.
span_context trace_parent(const request_parser& p);

// After the header: the request without its body. bad_request: the target or the Host header is wrong.
result<request> request_head(const request_parser& p);

} // namespace mana::http
