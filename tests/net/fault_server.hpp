// fault_server: an HTTP server on loopback, on a thread of its own, that answers as a script says:
// well, badly, late, in pieces, or not at all. It counts what it sees; tests wait for counts.
#pragma once

#include "tests/net/test_certificates.hpp"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace mana::test {

struct fault_reply {
  enum class kind {
    text,        // `text` is sent as it is; keep-alive
    close,       // `text` is sent, then the connection is closed
    drip,        // `text` is sent byte by byte; keep-alive
    hang,        // nothing more, until the client closes
    hold,        // `text` is sent once the test calls release()
    say_and_hang // `text` is sent, then nothing more, until the client closes
  };
  kind what = kind::text;
  std::string text;
};

struct seen_request {
  int number = 0; // from 0, over all connections
  std::string head;
  std::string body;
  std::string server_name; // SNI
};

struct fault_counts {
  int connections = 0; // accepted, TLS handshake included
  int requests = 0;
  int open = 0;    // connections now
  int held = 0;    // requests that wait for release()
  int answers = 0; // sent in full
};

// A complete response. `headers`: lines with their line ends.
std::string http_reply(unsigned status, const std::string& body, const std::string& headers = {});
// Status 200 with a chat completion of this content.
std::string chat_reply(const std::string& content);

class fault_server {
public:
  using script = std::function<fault_reply(const seen_request&)>; // runs on the server's thread

  explicit fault_server(script s, std::optional<identity> tls = std::nullopt);
  // The same reply to everything.
  explicit fault_server(fault_reply r) : fault_server([r](const seen_request&) { return r; }) {}
  ~fault_server();

  unsigned short port() const;
  std::string url(const std::string& scheme = "http", const std::string& host = "127.0.0.1") const;
  fault_counts counts() const;
  // Waits for an event, not for time: false after a minute, which is a failure.
  bool wait_for(const std::function<bool(const fault_counts&)>& condition) const;
  void release();           // all that are held, and none are held any more
  void close_connections(); // as a restarting server does

private:
  struct impl;
  void change(const std::function<void(fault_counts&)>& f);

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  fault_counts counts_;
  std::unique_ptr<impl> impl_;
};

} // namespace mana::test
