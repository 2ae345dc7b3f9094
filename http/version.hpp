#pragma once

namespace mana {

// Of the project, from CMakeLists.txt.
inline constexpr const char* version = MANA_VERSION;

} // namespace mana
