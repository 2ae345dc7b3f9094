// Ends a call that blocks on a connection, from another thread, by shutting the socket down: the call
// fails as if the server had gone. For calls whose requester stops waiting at a deadline; a server or
// a network that hangs without a word would otherwise hold the worker for ever.
#pragma once

#include <mutex>

namespace mana::pg {

class connection;

class breakable_call {
public:
  breakable_call() = default;
  breakable_call(const breakable_call&) = delete;
  breakable_call& operator=(const breakable_call&) = delete;

  // Held on the worker's thread while it uses the connection.
  class scope {
  public:
    scope(breakable_call& call, connection& db);
    ~scope();
    scope(const scope&) = delete;
    scope& operator=(const scope&) = delete;
    // False: the call was broken off before it began.
    bool wanted() const { return wanted_; }

  private:
    breakable_call& call_;
    bool wanted_;
  };

  // Thread-safe. For good: a later scope is not wanted.
  void break_off();

private:
  std::mutex mutex_;
  bool broken_ = false;
  int socket_ = -1; // a duplicate: its number cannot become another file's meanwhile
};

} // namespace mana::pg
