// LISTEN on a connection of its own.
#pragma once

#include "infra/postgres/connection.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace mana::pg {

struct notification {
  std::string channel;
  std::string payload;
};

class notification_source {
public:
  // Connects and listens; throws libpqxx's exceptions, as wait() does.
  notification_source(const std::string& url, const std::vector<std::string>& channels);
  ~notification_source();

  // What arrived, waiting for it at most so long.
  std::vector<notification> wait(std::chrono::milliseconds limit);

private:
  class receiver;
  connection connection_;
  std::vector<notification> heard_;
  std::vector<std::unique_ptr<receiver>> receivers_; // end before their connection
};

} // namespace mana::pg
