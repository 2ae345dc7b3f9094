#include "messages/sensitive_text.hpp"

#include <string.h> // NOLINT(modernize-deprecated-headers): explicit_bzero is not in <cstring>

namespace mana {

void cleanse([[maybe_unused]] void* data, [[maybe_unused]] std::size_t size) noexcept {
#ifndef MANA_WITHOUT_CLEANSING
  if (size > 0)
    explicit_bzero(data, size);
#endif
}

} // namespace mana
