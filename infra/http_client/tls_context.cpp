#include "infra/http_client/tls_context.hpp"

#include "infra/http_client/url.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <sys/socket.h>

#include <cerrno>
#include <cstdint>

namespace mana::net {

namespace {

// OpenSSL's own socket BIO uses write(2), which raises SIGPIPE when the peer is gone; and a BIO pair
// as Asio's ssl::stream has it costs 70 kB per connection.
int descriptor(BIO* b) { return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(b))); }

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

int socket_write(BIO* b, const char* data, int size) {
  BIO_clear_retry_flags(b);
  auto n = ::send(descriptor(b), data, static_cast<std::size_t>(size), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n < 0 && would_block())
    BIO_set_retry_write(b);
  return static_cast<int>(n);
}

int socket_read(BIO* b, char* data, int size) {
  BIO_clear_retry_flags(b);
  auto n = ::recv(descriptor(b), data, static_cast<std::size_t>(size), MSG_DONTWAIT);
  if (n < 0 && would_block())
    BIO_set_retry_read(b);
  if (n == 0)
    BIO_set_flags(b, BIO_FLAGS_IN_EOF);
  return static_cast<int>(n);
}

long socket_control(BIO* b, int command, long, void*) {
  switch (command) {
    case BIO_CTRL_FLUSH: return 1;
    case BIO_CTRL_EOF: return BIO_test_flags(b, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
    default: return 0;
  }
}

const BIO_METHOD* socket_method() {
  static const std::unique_ptr<BIO_METHOD, void (*)(BIO_METHOD*)> method{
      [] {
        auto* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "non-blocking socket");
        if (m != nullptr) {
          BIO_meth_set_write(m, socket_write);
          BIO_meth_set_read(m, socket_read);
          BIO_meth_set_ctrl(m, socket_control);
        }
        return m;
      }(),
      BIO_meth_free};
  return method.get();
}

} // namespace

result<tls_context> tls_context::make(const std::string& host, const std::string& ca_file) {
  tls_context t{SSL_CTX_new(TLS_client_method())};
  auto* ctx = t.ctx_.get();
  if (ctx == nullptr)
    return failure{errc::internal, "no TLS context"};
  ERR_clear_error();
  auto trusted =
      ca_file.empty() ? SSL_CTX_set_default_verify_paths(ctx) : SSL_CTX_load_verify_file(ctx, ca_file.c_str());
  ERR_clear_error();
  if (trusted != 1)
    return failure{errc::config_invalid, ca_file.empty() ? "the system's certificate store cannot be read"
                                                         : "ca_file: not readable or no PEM certificate"};
  SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  auto* wanted = SSL_CTX_get0_param(ctx);
  X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  auto named = is_address(host) ? X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str())
                                : X509_VERIFY_PARAM_set1_host(wanted, host.c_str(), host.size());
  if (named != 1)
    return failure{errc::config_invalid, "url: invalid host"};
  if (!is_address(host))
    t.server_name_ = host;
  return t;
}

ssl_handle tls_context::session(int fd) const {
  ssl_handle s{SSL_new(ctx_.get())};
  const auto* method = socket_method();
  if (!s || method == nullptr)
    return nullptr;
  auto* bio = BIO_new(method);
  if (bio == nullptr)
    return nullptr;
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)));
  BIO_set_init(bio, 1);
  SSL_set_bio(s.get(), bio, bio);
  if (!server_name_.empty() && SSL_set_tlsext_host_name(s.get(), server_name_.c_str()) != 1)
    return nullptr;
  SSL_set_connect_state(s.get());
  return s;
}

std::string tls_failure(const SSL* session) {
  auto code = ERR_peek_last_error();
  ERR_clear_error();
  if (auto verdict = SSL_get_verify_result(session); verdict != X509_V_OK)
    return std::string{"certificate: "} + X509_verify_cert_error_string(verdict);
  const auto* reason = ERR_reason_error_string(code);
  return std::string{"TLS: "} + (reason != nullptr ? reason : "protocol error");
}

} // namespace mana::net
