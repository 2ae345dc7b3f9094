// What the process as a whole does so that keys stay where they are. Call both first thing in
// main(), before any thread.
#pragma once

#include <cstddef>

namespace mana::crypto {

// Lazy binding saves all vector registers on the stack when a library function is called for the
// first time, and with them what memcpy() left there. Starts the program again with LD_BIND_NOW=1
// unless that is set; aborts when it cannot.
void require_bind_now(char** argv);

enum class heap_status { locked, not_locked, failed };

// OpenSSL's secure heap; `size` is a power of two. not_locked: RLIMIT_MEMLOCK is too small, so its
// pages may be swapped out; usable. Once per process.
heap_status init_secure_heap(std::size_t size = std::size_t{1} << 20);

// No core dumps, no ptrace by the same user, /proc/<pid>/mem closed to it. Under a sanitizer core
// dumps only: LeakSanitizer needs ptrace.
void forbid_dumps();

} // namespace mana::crypto
