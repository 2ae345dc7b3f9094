#include "infra/postgres/breakable_call.hpp"

#include "infra/postgres/connection.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace mana::pg {

breakable_call::scope::scope(breakable_call& call, connection& db) : call_(call) {
  std::lock_guard lock{call_.mutex_};
  wanted_ = !call_.broken_;
  if (wanted_)
    call_.socket_ = fcntl(db.raw().sock(), F_DUPFD_CLOEXEC, 0);
}

breakable_call::scope::~scope() {
  std::lock_guard lock{call_.mutex_};
  if (call_.socket_ >= 0)
    close(call_.socket_);
  call_.socket_ = -1;
}

void breakable_call::break_off() {
  std::lock_guard lock{mutex_};
  broken_ = true;
  if (socket_ >= 0)
    shutdown(socket_, SHUT_RDWR);
}

} // namespace mana::pg
