// Who is calling: the user behind `Authorization: Bearer <JWT>`. Routes under /api/v1/me take an
// identity_check and answer 401 with its failure.
#pragma once

#include "http/server/message.hpp"
#include "messages/ids.hpp"
#include "messages/result.hpp"

#include <utility> // Boost 1.74: asio/awaitable.hpp uses std::exchange without it

#include <boost/asio/awaitable.hpp>

#include <functional>

namespace mana::http {

// unauthorized: no token, or one that does not hold; the detail never quotes it. database_unavailable-like
// codes never occur; when the keys cannot be fetched: unauthorized too, with a detail that says so.
// The request is read before the first suspension only.
using identity_check = std::function<boost::asio::awaitable<result<user_id>>(const request&)>;

} // namespace mana::http
