// Keys as other programs write them, made by the library anew in each process.
#pragma once

#include <string>

namespace mana::crypto::foreign {

std::string rsa_private(unsigned bits); // PKCS#8, as are all that do not say otherwise
std::string rsa_public_pkcs1();
std::string rsa_pss_private();
std::string ed25519_private();
std::string ed25519_public();
std::string encrypted_pkcs8();
std::string encrypted_pkcs1(); // with `Proc-Type: 4,ENCRYPTED`

} // namespace mana::crypto::foreign
