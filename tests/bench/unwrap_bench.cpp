// How many grants one core unwraps: v2, one record each, its key included. Prints one JSON line. In CPU
// time, as `openssl speed` measures, so that other load falsifies neither.
#include "infra/crypto/grant/grant.hpp"
#include "infra/crypto/pem.hpp"
#include "infra/crypto/process_memory.hpp"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <cstdio>
#include <ctime>

using namespace mana;
using namespace mana::crypto;

namespace {

constexpr double min_seconds = 2;

struct key_pair {
  std::vector<rsa_private_key> own;
  rsa_public_key runner;
};

template <auto Write>
secret der_of(evp_pkey_st* key) {
  auto out = *secret::make(static_cast<std::size_t>(Write(key, nullptr)));
  auto* end = out.data();
  Write(key, &end);
  return out;
}

key_pair new_keys() {
  pkey_ptr key{EVP_RSA_gen(2048)};
  auto own = write_pem(pem_label::rsa_private_key, der_of<i2d_PrivateKey>(key.get()));
  auto runner = write_pem(pem_label::public_key, der_of<i2d_PUBKEY>(key.get()));
  return {*parse_private_keys(own.view()), *rsa_public_key::parse(runner.view())};
}

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

} // namespace

int main() {
  init_secure_heap();
  auto keys = new_keys();
  auto now = *parse_iso("2026-01-01T00:00:00Z");
  auto grant = *issue_grant({"user", {"mission", {"notes"}, {"notes:n1"}}, now, now + std::chrono::hours{1}},
                            *random_key(), keys.runner);
  std::size_t unwraps = 0;
  double seconds = 0;
  for (auto begun = cpu_seconds(); seconds < min_seconds; seconds = cpu_seconds() - begun, ++unwraps) {
    auto opened = open_grant(grant, "user", "mission", now, false, {keys.own});
    auto* g = std::get_if<opened_grant>(&opened);
    if (g == nullptr || !g->key_of("notes", "n1")) {
      std::fputs("unwrap_bench: a grant did not open\n", stderr);
      return 1;
    }
  }
  std::printf("{\"unwraps_per_second\":%.1f}\n", static_cast<double>(unwraps) / seconds);
  return 0;
}
