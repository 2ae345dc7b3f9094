#include "infra/crypto/process_memory.hpp"

#include <openssl/crypto.h>

#include <climits>
#include <cstdlib>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace mana::crypto {

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#elif defined(__has_feature)
constexpr bool sanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool sanitized = false;
#endif

// Blocks of this size and more: a key.
constexpr std::size_t smallest_block = 32;

} // namespace

void require_bind_now(char** argv) {
  auto* now = std::getenv("LD_BIND_NOW");
  if (now != nullptr && *now != '\0') // an empty value means lazy
    return;
  setenv("LD_BIND_NOW", "1", 1);
  // By its path, so that the process keeps its name; by the link when the file was replaced meanwhile.
  constexpr const char* self = "/proc/self/exe";
  char path[PATH_MAX] = {};
  if (readlink(self, path, sizeof path - 1) > 0)
    execv(path, argv);
  execv(self, argv);
  std::abort();
}

heap_status init_secure_heap(std::size_t size) {
  switch (CRYPTO_secure_malloc_init(size, smallest_block)) {
    case 1: return heap_status::locked;
    case 2: return heap_status::not_locked;
    default: return heap_status::failed;
  }
}

void forbid_dumps() {
  rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  if constexpr (!sanitized)
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

} // namespace mana::crypto
