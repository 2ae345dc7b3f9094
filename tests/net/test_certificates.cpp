#include "tests/net/test_certificates.hpp"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace mana::test {

namespace {

struct deleter {
  void operator()(X509* x) const { X509_free(x); }
  void operator()(EVP_PKEY* k) const { EVP_PKEY_free(k); }
  void operator()(BIO* b) const { BIO_free(b); }
  void operator()(X509_EXTENSION* e) const { X509_EXTENSION_free(e); }
};
template <class T>
using owned = std::unique_ptr<T, deleter>;

template <class Write>
std::string pem(Write write) {
  owned<BIO> b{BIO_new(BIO_s_mem())};
  write(b.get());
  char* text = nullptr;
  auto size = BIO_get_mem_data(b.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

void extend(X509* x, int nid, const char* value) {
  owned<X509_EXTENSION> e{X509V3_EXT_conf_nid(nullptr, nullptr, nid, value)};
  X509_add_ext(x, e.get(), -1);
}

owned<X509> certificate(EVP_PKEY* key, const char* name, long valid_for) {
  static std::atomic<long> serial{1};
  owned<X509> x{X509_new()};
  X509_set_version(x.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x.get()), serial++);
  X509_gmtime_adj(X509_getm_notBefore(x.get()), -7200);
  X509_gmtime_adj(X509_getm_notAfter(x.get()), valid_for);
  X509_set_pubkey(x.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  return x;
}

std::string text_of(X509* x) {
  return pem([&](BIO* b) { PEM_write_bio_X509(b, x); });
}

} // namespace

struct authority::impl {
  owned<EVP_PKEY> key{EVP_EC_gen("P-256")};
  owned<X509> self = certificate(key.get(), "test authority", 7200);
};

authority::authority() : impl_(std::make_unique<impl>()) {
  auto* x = impl_->self.get();
  X509_set_issuer_name(x, X509_get_subject_name(x));
  extend(x, NID_basic_constraints, "critical,CA:TRUE");
  X509_sign(x, impl_->key.get(), EVP_sha256());
  file_ = (std::filesystem::temp_directory_path() / "mana-ca-XXXXXX").string();
  if (auto fd = ::mkstemp(file_.data()); fd >= 0)
    ::close(fd);
  std::ofstream{file_} << text_of(x);
}

authority::~authority() { std::remove(file_.c_str()); }

identity authority::sign(const std::string& names, long valid_for) const {
  owned<EVP_PKEY> key{EVP_EC_gen("P-256")};
  auto x = certificate(key.get(), "leaf", valid_for);
  X509_set_issuer_name(x.get(), X509_get_subject_name(impl_->self.get()));
  extend(x.get(), NID_subject_alt_name, names.c_str());
  X509_sign(x.get(), impl_->key.get(), EVP_sha256());
  return {text_of(x.get()),
          pem([&](BIO* b) { PEM_write_bio_PrivateKey(b, key.get(), nullptr, nullptr, 0, nullptr, nullptr); })};
}

} // namespace mana::test
