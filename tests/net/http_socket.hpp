// A blocking client socket for tests that must send what no HTTP library would. Every wait ends
// after 20 s at the latest, which only a broken server reaches.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace mana::testing {

class http_socket {
public:
  explicit http_socket(std::uint16_t port, int receive_buffer = 0) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer > 0)
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  }
  http_socket(http_socket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), connected_(other.connected_), buffer_(std::move(other.buffer_)) {}
  http_socket& operator=(http_socket&&) = delete;
  ~http_socket() {
    if (fd_ >= 0)
      ::close(fd_);
  }

  bool connected() const { return connected_; }

  // False when the peer has closed.
  bool send(std::string_view text) {
    while (!text.empty()) {
      auto n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (n <= 0)
        return false;
      text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  // One response, by its Content-Length; what was received when the connection ends before.
  std::string response(bool without_body = false) {
    std::size_t end = std::string::npos;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos)
      if (!receive())
        return std::exchange(buffer_, {});
    end += 4;
    auto at = buffer_.find("Content-Length: ");
    if (!without_body && at < end)
      end += std::stoul(buffer_.substr(at + 16));
    while (buffer_.size() < end)
      if (!receive())
        return std::exchange(buffer_, {});
    auto out = buffer_.substr(0, end);
    buffer_.erase(0, end);
    return out;
  }

  // Exactly so many bytes; fewer when the peer closes before.
  std::string take(std::size_t n) {
    while (buffer_.size() < n && receive()) {
    }
    auto out = buffer_.substr(0, n);
    buffer_.erase(0, n);
    return out;
  }

  // Everything until the peer closes.
  std::string rest() {
    while (receive()) {
    }
    return std::exchange(buffer_, {});
  }

  // Sends one byte of `text` every 10 ms until the peer closes; false when all of it was sent.
  bool trickle_until_closed(std::string_view text) {
    for (auto c : text)
      if (!send({&c, 1}) || readable(10))
        return true;
    return false;
  }

private:
  bool readable(int ms) const {
    pollfd p{fd_, POLLIN, 0};
    return ::poll(&p, 1, ms) > 0;
  }
  bool receive() {
    char chunk[16384];
    if (!readable(20'000))
      return false;
    auto n = ::recv(fd_, chunk, sizeof chunk, 0);
    if (n <= 0)
      return false;
    buffer_.append(chunk, static_cast<std::size_t>(n));
    return true;
  }

  int fd_;
  bool connected_ = false;
  std::string buffer_;
};

} // namespace mana::testing
