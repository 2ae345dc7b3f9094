// tls_context: the client side of TLS for one origin. TLS 1.2 or later; the certificate chain and
// the host name are always verified.
#pragma once

#include "messages/result.hpp"

#include <openssl/ssl.h>

#include <memory>
#include <string>

namespace mana::net {

struct ssl_deleter {
  void operator()(SSL* s) const noexcept { SSL_free(s); }
  void operator()(SSL_CTX* c) const noexcept { SSL_CTX_free(c); }
};
using ssl_handle = std::unique_ptr<SSL, ssl_deleter>;

class tls_context {
public:
  // Trusts the system's store, or with `ca_file` (PEM) only what is in that file.
  // errc::config_invalid when it cannot be read.
  static result<tls_context> make(const std::string& host, const std::string& ca_file);

  // A session that reads and writes the non-blocking socket `fd`, which it does not own. Its memory
  // stays small between records. nullptr when out of memory.
  ssl_handle session(int fd) const;

private:
  explicit tls_context(SSL_CTX* ctx) : ctx_(ctx) {}
  std::unique_ptr<SSL_CTX, ssl_deleter> ctx_;
  std::string server_name_; // for SNI; empty for an address
};

// What went wrong in the session's last operation: the verdict on the certificate, or OpenSSL's
// reason. Empties the thread's error queue.
std::string tls_failure(const SSL* session);

} // namespace mana::net
