// LISTEN on a connection of its own.
#pragma once

#include "infra/postgres/connection.hpp"

#include <chrono>
#include <memory>
#include <string>

namespace mana::pg {

class notification_source {
public:
  // Connects and listens; throws libpqxx's exceptions, as wait() does.
  notification_source(const std::string& url, const std::string& channel);
  ~notification_source();

  // Waits for a notification, at most so long. Several that arrived together count as one.
  bool wait(std::chrono::milliseconds limit);

private:
  class receiver;
  connection connection_;
  std::size_t heard_ = 0;
  std::unique_ptr<receiver> receiver_; // ends before its connection
};

} // namespace mana::pg
