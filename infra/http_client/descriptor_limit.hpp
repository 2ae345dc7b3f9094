// Each call in flight holds a file descriptor; the usual soft limit of 1,024 is soon reached.
#pragma once

#include <cstddef>

namespace mana::net {

// Raises the soft limit to `wanted`, or as far as the hard limit allows; never lowers it. Returns
// the limit that holds from now on, 0 when it cannot be read.
std::size_t raise_descriptor_limit(std::size_t wanted);

} // namespace mana::net
