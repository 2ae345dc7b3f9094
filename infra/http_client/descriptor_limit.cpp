#include "infra/http_client/descriptor_limit.hpp"

#include <sys/resource.h>

#include <algorithm>

namespace mana::net {

std::size_t raise_descriptor_limit(std::size_t wanted) {
  rlimit now{};
  if (getrlimit(RLIMIT_NOFILE, &now) != 0)
    return 0;
  if (now.rlim_cur >= wanted)
    return now.rlim_cur;
  rlimit raised = now;
  raised.rlim_cur = std::min<rlim_t>(wanted, now.rlim_max);
  return setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : now.rlim_cur;
}

} // namespace mana::net
