// What is set up for a whole process is tried in a process of its own: the others of this executable
// keep their heap.
#include "infra/crypto/process_memory.hpp"

#include "infra/crypto/rsa_keys.hpp"
#include "tests/unit/crypto/crypto_vectors.hpp"

#include <openssl/crypto.h>

#include <functional>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace mana::crypto;

namespace {

// The exit code of a child that does this.
int in_a_child(const std::function<int()>& what) {
  auto child = fork();
  if (child == 0)
    _exit(what());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

enum : int { fine = 0, heap_failed = 1, not_secure = 2, not_full = 3, not_recovered = 4, dumps = 5 };

TEST(secure_heap, holds_the_keys) {
  EXPECT_EQ(in_a_child([] {
              if (init_secure_heap() == heap_status::failed)
                return heap_failed;
              auto key = random_key();
              return key && CRYPTO_secure_allocated(key->data()) == 1 ? fine : not_secure;
            }),
            fine);
}

TEST(secure_heap, holds_what_was_unwrapped) {
  auto wrapped = *public_key().wrap(*random_key(), {});
  EXPECT_EQ(in_a_child([&] {
              if (init_secure_heap() == heap_status::failed)
                return heap_failed;
              auto key = private_keys().front().unwrap(wrapped, {});
              return key && CRYPTO_secure_allocated(key->data()) == 1 ? fine : not_secure;
            }),
            fine);
}

TEST(secure_heap, that_is_full_makes_no_secret_until_there_is_room) {
  EXPECT_EQ(in_a_child([] {
              if (init_secure_heap(1 << 14) == heap_status::failed)
                return heap_failed;
              std::vector<secret> all;
              while (auto s = secret::make(1024)) {
                all.push_back(std::move(*s));
                if (all.size() > 16)
                  return not_full;
              }
              all.pop_back();
              return secret::make(1024) ? fine : not_recovered;
            }),
            fine);
}

TEST(forbid_dumps, leaves_no_core_file) {
  EXPECT_EQ(in_a_child([] {
              forbid_dumps();
              rlimit cores{1, 1};
              getrlimit(RLIMIT_CORE, &cores);
              return cores.rlim_max == 0 ? fine : dumps;
            }),
            fine);
}

} // namespace
