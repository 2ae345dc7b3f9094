// A certificate authority of the test's own, and certificates it signs.
#pragma once

#include <memory>
#include <string>

namespace mana::test {

struct identity {
  std::string certificate; // PEM
  std::string key;         // PEM
};

class authority {
public:
  authority();
  ~authority();
  authority(const authority&) = delete;
  authority& operator=(const authority&) = delete;

  // `names`: as OpenSSL writes a subjectAltName, e.g. "DNS:llm.internal,IP:127.0.0.1".
  // `valid_for` seconds from now; negative: expired.
  identity sign(const std::string& names, long valid_for = 3600) const;
  // The authority's certificate in a file that lives as long as this object.
  const std::string& file() const { return file_; }

private:
  struct impl;
  std::unique_ptr<impl> impl_;
  std::string file_;
};

} // namespace mana::test
