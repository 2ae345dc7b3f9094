#include "infra/crypto/keygen.hpp"

#include "infra/crypto/base64.hpp"
#include "infra/crypto/openssl_handles.hpp"
#include "infra/crypto/pem.hpp"
#include "infra/crypto/primitives.hpp"
#include "infra/crypto/rsa_keys.hpp"

#include <openssl/rsa.h>

#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mana::crypto {

namespace {

constexpr unsigned rsa_bits = 2048; // contract section 4
constexpr mode_t for_owner = 0600;
constexpr mode_t for_all = 0644;

struct new_file {
  const char* setting;
  const char* name;
  mode_t mode;
  std::optional<sensitive_text> content; // nullopt: the library failed
};

// -- contents ----------------------------------------------------------------------------------------

// `write` is one of OpenSSL's i2d functions.
template <auto Write, class T>
std::optional<sensitive_text> pem_of(pem_label label, T* what) {
  error_queue_guard errors;
  auto size = what == nullptr ? -1 : Write(what, nullptr);
  auto der = size > 0 ? secret::make(static_cast<std::size_t>(size)) : std::nullopt;
  if (!der)
    return std::nullopt;
  auto* end = der->data();
  Write(what, &end);
  return write_pem(label, *der);
}

std::optional<sensitive_text> private_pem(evp_pkey_st* key) {
  pkcs8_info info{key == nullptr ? nullptr : EVP_PKEY2PKCS8(key)};
  return pem_of<i2d_PKCS8_PRIV_KEY_INFO>(pem_label::private_key, info.get());
}

std::optional<sensitive_text> new_ed25519_pem() {
  return private_pem(pkey_ptr{EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")}.get());
}

// The id only has to differ from those of older KEKs.
std::optional<sensitive_text> new_kek() {
  std::array<unsigned char, 4> id{};
  auto key = random_key();
  if (!key || !random_bytes(id.data(), id.size()))
    return std::nullopt;
  sensitive_text out{"kek-" + to_hex(id) + ":"};
  out.append(to_base64(*key).view()).append("\n");
  return out;
}

std::array<new_file, 5> new_files() {
  pkey_ptr rsa{EVP_RSA_gen(rsa_bits)};
  return {
      {{"MANA_AI_PRIVATE_KEY_PEM", "mana-ai-private.pem", for_owner, private_pem(rsa.get())},
       {"MANA_AI_PUBLIC_KEY_PEM", "mana-ai-public.pem", for_all, pem_of<i2d_PUBKEY>(pem_label::public_key, rsa.get())},
       {"MANA_AUTH_KEK", "mana-auth-kek.txt", for_owner, new_kek()},
       {"AUTH_SIGNING_KEY_PEM", "auth-signing.pem", for_owner, new_ed25519_pem()},
       {"AUDIT_SIGNING_KEY_PEM", "audit-signing.pem", for_owner, new_ed25519_pem()}}};
}

// -- files -------------------------------------------------------------------------------------------

failure cannot_write(const std::string& path) {
  if (errno == EEXIST)
    return {errc::config_invalid, path + " exists; it is left as it is, choose another directory or move it away"};
  return {errc::config_invalid, path + ": " + std::strerror(errno)};
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    auto n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno != EINTR)
      return false;
    text.remove_prefix(n < 0 ? 0 : static_cast<std::size_t>(n));
  }
  return true;
}

std::optional<failure> write_file(const std::string& path, const new_file& file) {
  auto fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, for_owner);
  if (fd < 0)
    return cannot_write(path);
  bool written = write_all(fd, file.content->view()) && ::fchmod(fd, file.mode) == 0 && ::fsync(fd) == 0;
  auto wrong = written ? std::nullopt : std::optional{cannot_write(path)};
  ::close(fd);
  if (wrong)
    ::unlink(path.c_str());
  return wrong;
}

} // namespace

result<std::vector<key_file>> generate_keys(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    return cannot_write(directory);
  std::vector<key_file> out;
  auto undo = [&](failure why) {
    for (auto& file : out)
      ::unlink(file.path.c_str());
    return why;
  };
  for (auto& file : new_files()) {
    auto path = directory + "/" + file.name;
    if (!file.content)
      return undo({errc::internal, path + ": the key could not be generated"});
    if (auto wrong = write_file(path, file))
      return undo(std::move(*wrong));
    out.push_back({file.setting, path});
  }
  return out;
}

} // namespace mana::crypto
