// Encrypted values as anyone with write access to the log could put them there.
#include "infra/crypto/grant/envelope.hpp"
#include "infra/crypto/base64.hpp"
#include "tests/fuzz/require.hpp"

using namespace mana;
using namespace mana::crypto;
using mana::fuzz::require;

namespace {

const bytes key(key_bytes, 'k'); // the seeds are sealed with it

opened_value open_as_enc2(std::string_view value) { return open_enc2(key, "notes", "n1", "title", value); }

void only_its_own_version_opens(std::string_view value) {
  auto version = envelope_of(value);
  require(!open_enc1(key, value).json || version == envelope_version::enc1);
  require(!open_as_enc2(value).json || version == envelope_version::enc2);
}

void what_is_sealed_opens(std::string_view plain) {
  auto sealed = seal_enc2(key, "notes", "n1", "title", plain);
  require(sealed.has_value());
  auto opened = open_as_enc2(*sealed);
  require(opened.json && opened.json->view() == plain);
}

void base64_has_one_form(std::string_view text) {
  if (auto decoded = from_base64(text)) {
    auto again = to_base64(*decoded);
    require(again == text || again.substr(0, again.find('=')) == text);
  }
  if (auto decoded = from_base64url(text))
    require(to_base64url(*decoded) == text);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input{reinterpret_cast<const char*>(data), size};
  only_its_own_version_opens(input);
  what_is_sealed_opens(input);
  base64_has_one_form(input);
  return 0;
}
