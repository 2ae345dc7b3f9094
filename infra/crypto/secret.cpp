#include "infra/crypto/secret.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstdlib>

namespace mana::crypto {

namespace {

#ifdef MANA_WITHOUT_CLEANSING
// The control build of the memory scan: an ordinary block that stays as it is. Freed, it would depend on the next
// allocation of that size whether the scan can find the key.
void* allocate(std::size_t size) { return std::calloc(1, size); }
void release(void*, std::size_t) {}
#else
void* allocate(std::size_t size) { return OPENSSL_secure_zalloc(size); }
void release(void* data, std::size_t size) { OPENSSL_secure_clear_free(data, size); }
#endif

// An empty secret is one all the same, so it has a block of its own.
std::size_t block_size(std::size_t size) { return std::max<std::size_t>(size, 1); }

} // namespace

std::optional<secret> secret::make(std::size_t size) {
  auto* data = static_cast<unsigned char*>(allocate(block_size(size)));
  if (data == nullptr)
    return std::nullopt;
  return secret{data, size};
}

std::optional<secret> secret::copy_of(byte_view source) {
  auto out = make(source.size());
  if (out)
    std::copy(source.begin(), source.end(), out->data_);
  return out;
}

secret::~secret() {
  if (data_ != nullptr)
    release(data_, block_size(size_));
}

} // namespace mana::crypto
