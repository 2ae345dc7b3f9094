#include "infra/postgres/notifications.hpp"

#include <utility>

namespace mana::pg {

#if PQXX_VERSION_MAJOR >= 7

class notification_source::receiver {};

notification_source::notification_source(const std::string& url, const std::vector<std::string>& channels)
  : connection_(url) {
  for (auto& channel : channels)
    connection_.raw().listen(channel, [this, channel](pqxx::notification n) {
      heard_.push_back({channel, std::string{n.payload}});
    });
}

#else

class notification_source::receiver : public pqxx::notification_receiver {
public:
  receiver(pqxx::connection& c, const std::string& channel, std::vector<notification>& heard)
    : pqxx::notification_receiver(c, channel), heard_(heard) {}
  void operator()(const std::string& payload, int) override { heard_.push_back({channel(), payload}); }

private:
  std::vector<notification>& heard_;
};

notification_source::notification_source(const std::string& url, const std::vector<std::string>& channels)
  : connection_(url) {
  for (auto& channel : channels)
    receivers_.push_back(std::make_unique<receiver>(connection_.raw(), channel, heard_));
}

#endif

notification_source::~notification_source() = default;

std::vector<notification> notification_source::wait(std::chrono::milliseconds limit) {
  heard_.clear();
  auto us = std::chrono::microseconds{limit};
  connection_.raw().await_notification(static_cast<long>(us.count() / 1'000'000),
                                       static_cast<long>(us.count() % 1'000'000));
  return std::exchange(heard_, {});
}

} // namespace mana::pg
