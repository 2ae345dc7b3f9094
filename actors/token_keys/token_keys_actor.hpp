// token_keys: the actor behind messages/token_keys.hpp, a cache of an issuer's JWKS. It lives on an
// io_loop.
//
//   the kid is known         answered at once
//   a fetch is under way     the question waits for it; however many wait, there is one fetch
//   the kid is not known     one fetch, unless the last one began less than min_pause ago: a flood of
//                            made-up kids costs the issuer one request per pause
//   in the background        fetched at start, then every refresh_interval, after a failure every
//                            min_pause
//   the issuer is down       the last good set stays
// A good answer replaces the set: a key that the issuer has withdrawn is gone with the next fetch.
#pragma once

#include "infra/http_client/http_client.hpp"
#include "infra/io/hosted.hpp"
#include "infra/jwt/key_set.hpp"
#include "messages/result.hpp"
#include "messages/token_keys.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mana {

struct token_keys_config {
  std::string url;     // of the issuer's service, without /api/v1/auth/jwks
  std::string ca_file; // empty: the system's certificates
  std::chrono::milliseconds refresh_interval{600'000};
  std::chrono::milliseconds min_pause{10'000};
  std::chrono::milliseconds connect_timeout{2'000};
  std::chrono::milliseconds total_timeout{5'000};
  std::size_t max_waiting = 1'000;
};

struct token_keys_observer {
  std::function<void(std::size_t keys)> fetched;
  std::function<void(const failure&)> failed;
};

class token_keys final : public hosted<token_keys_actor::base> {
public:
  // Use spawn_token_keys().
  token_keys(caf::actor_config& actor_cfg, io_loop& loop, const token_keys_config& cfg,
             std::unique_ptr<net::http_client>& http, token_keys_observer observer);

  const char* name() const override { return "token_keys"; }
  void on_exit() override;

protected:
  behavior_type make_behavior() override;

private:
  using clock = std::chrono::steady_clock;
  using promise = caf::typed_response_promise<token_key>;
  struct question {
    std::string kid;
    promise answer;
  };

  caf::result<token_key> find(find_token_key& asked);
  bool may_fetch() const;
  void fetch();
  boost::asio::awaitable<void> fetch_once(caf::strong_actor_ptr keep_alive);
  void fetched(result<jwt::key_set> keys);
  void fetch_after(std::chrono::milliseconds pause);
  failure not_found() const;

  const token_keys_config cfg_;
  std::shared_ptr<net::http_client> http_; // shared with the fetch; none after on_exit()
  std::unique_ptr<boost::asio::steady_timer> timer_;
  token_keys_observer observer_;
  std::optional<jwt::key_set> keys_; // none before the first good answer
  std::vector<question> waiting_;    // for the fetch under way
  bool fetching_ = false;
  std::optional<clock::time_point> last_begun_;
};

// The keys in the answer, or why there are none; never text of the issuer's.
result<jwt::key_set> keys_in(const net::http_response& response);

// errc::config_invalid: the URL or the CA file. The actor must end before `loop` does.
result<token_keys_actor> spawn_token_keys(caf::actor_system& sys, io_loop& loop, const token_keys_config& cfg,
                                          token_keys_observer observer = {});

} // namespace mana
