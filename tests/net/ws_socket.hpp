// A blocking WebSocket client for tests: frames by hand, so that it can also send what no library would.
#pragma once

#include "tests/net/http_socket.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mana::testing {

class ws_socket {
public:
  explicit ws_socket(std::uint16_t port, const std::string& path = "/ws", const std::string& headers = "",
                     int receive_buffer = 0)
    : socket_(port, receive_buffer) {
    socket_.send("GET " + path + " HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                 + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + headers + "\r\n");
    answer_ = socket_.response(true);
  }

  // The head of the answer to the handshake, and its status.
  const std::string& answer() const { return answer_; }
  unsigned status() const { return answer_.size() < 12 ? 0 : static_cast<unsigned>(std::stoul(answer_.substr(9, 3))); }

  // Masked with zeros, as one frame.
  bool send(std::string_view payload, unsigned char opcode = 0x1) {
    std::string bytes{static_cast<char>(0x80 | opcode)};
    if (payload.size() < 126) {
      bytes += static_cast<char>(0x80 | payload.size());
    } else {
      bytes += static_cast<char>(0x80 | 126);
      bytes += static_cast<char>(payload.size() >> 8);
      bytes += static_cast<char>(payload.size() & 0xFF);
    }
    bytes.append(4, '\0');
    return socket_.send(bytes.append(payload));
  }
  bool sign_in(const std::string& token) { return send(R"({"type":"auth","token":")" + token + "\"}"); }

  struct frame {
    unsigned char opcode = 0; // 0: the connection is gone
    std::string payload;
    // Of a closing frame.
    unsigned code() const {
      return payload.size() < 2 ? 0
                                : static_cast<unsigned>((static_cast<unsigned char>(payload[0]) << 8)
                                                        | static_cast<unsigned char>(payload[1]));
    }
  };
  // The next frame; pings are answered and left out unless `pings`.
  frame receive(bool pings = false) {
    for (;;) {
      auto head = socket_.take(2);
      if (head.size() < 2)
        return {};
      auto size = static_cast<std::size_t>(head[1] & 0x7F);
      if (size == 126) {
        auto more = socket_.take(2);
        size =
            static_cast<std::size_t>((static_cast<unsigned char>(more[0]) << 8) | static_cast<unsigned char>(more[1]));
      }
      frame out{static_cast<unsigned char>(head[0] & 0x0F), socket_.take(size)};
      if (out.opcode != 0x9 || pings)
        return out;
      send(out.payload, 0xA);
    }
  }
  std::string message() {
    auto f = receive();
    return f.opcode == 0x1 ? f.payload : "frame " + std::to_string(f.opcode) + " code " + std::to_string(f.code());
  }
  // The code of the closing frame that comes next, which is answered; 0: the connection was cut.
  unsigned close_code() {
    auto f = receive();
    if (f.opcode == 0x8)
      send(f.payload.substr(0, 2), 0x8);
    return f.opcode == 0x8 ? f.code() : 0;
  }
  bool is_gone() { return socket_.rest().empty(); }

private:
  http_socket socket_;
  std::string answer_;
};

} // namespace mana::testing
