#include "infra/postgres/notifications.hpp"

namespace mana::pg {

#if PQXX_VERSION_MAJOR >= 7

class notification_source::receiver {};

notification_source::notification_source(const std::string& url, const std::string& channel) : connection_(url) {
  connection_.raw().listen(channel, [this](pqxx::notification) { ++heard_; });
}

#else

class notification_source::receiver : public pqxx::notification_receiver {
public:
  receiver(pqxx::connection& c, const std::string& channel, std::size_t& count)
    : pqxx::notification_receiver(c, channel), count_(count) {}
  void operator()(const std::string&, int) override { ++count_; }

private:
  std::size_t& count_;
};

notification_source::notification_source(const std::string& url, const std::string& channel)
  : connection_(url), receiver_(std::make_unique<receiver>(connection_.raw(), channel, heard_)) {}

#endif

notification_source::~notification_source() = default;

bool notification_source::wait(std::chrono::milliseconds limit) {
  heard_ = 0;
  auto us = std::chrono::microseconds{limit};
  connection_.raw().await_notification(static_cast<long>(us.count() / 1'000'000),
                                       static_cast<long>(us.count() % 1'000'000));
  return heard_ > 0;
}

} // namespace mana::pg
