#pragma once

#include <string>

namespace mana {

// A random (version 4) UUID from OpenSSL's generator, as lower-case text.
std::string random_uuid();

} // namespace mana
