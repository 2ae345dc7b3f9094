#include "actors/sign_in/credentials.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>

namespace mana {

namespace {

bool is_continuation_byte(unsigned char c) { return (c & 0xC0) == 0x80; }

} // namespace

result<std::string> checked_name(std::string_view name) {
  auto first = name.find_first_not_of(' ');
  name = first == name.npos ? std::string_view{} : name.substr(first, name.find_last_not_of(' ') - first + 1);
  auto characters =
      name.size() - static_cast<std::size_t>(std::count_if(name.begin(), name.end(), is_continuation_byte));
  if (characters < 1 || characters > max_name_characters)
    return failure{errc::bad_request, "name: must have 1 to 64 characters"};
  if (std::any_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }))
    return failure{errc::bad_request, "name: must not hold control characters"};
  return std::string{name};
}

std::optional<failure> wrong_password_form(std::string_view password) {
  if (password.size() >= min_password_bytes && password.size() <= max_password_bytes)
    return std::nullopt;
  return failure{errc::bad_request, "password: must have 8 to 200 bytes"};
}

std::string limited_address(const std::string& address) {
  boost::system::error_code ec;
  auto parsed = boost::asio::ip::make_address(address, ec);
  if (ec)
    return address;
  if (parsed.is_v4())
    return parsed.to_string();
  auto v6 = parsed.to_v6();
  if (v6.is_v4_mapped())
    return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, v6).to_string();
  auto network = v6.to_bytes();
  std::fill(network.begin() + 8, network.end(), static_cast<unsigned char>(0));
  return boost::asio::ip::address_v6{network}.to_string() + "/64";
}

} // namespace mana
