#include "actors/sign_in/password_hasher_actor.hpp"

#include <gtest/gtest.h>

using namespace mana;

namespace {

struct password_hasher_test : ::testing::Test {
  ~password_hasher_test() override {
    caf::scoped_actor self{sys};
    self->send_exit(hasher, caf::exit_reason::user_shutdown);
    self->wait_for(hasher);
    hasher = nullptr;
  }
  void start(std::size_t workers, std::size_t max_queue) {
    hasher = sys.spawn<password_hasher>(password_hasher_config{workers, max_queue});
  }
  static shared_password password(std::string_view text) { return std::make_shared<const sensitive_text>(text); }

  caf::actor_system_config cfg;
  caf::actor_system sys{cfg};
  password_hasher_actor hasher;
};

} // namespace

TEST_F(password_hasher_test, what_it_hashed_it_recognises) {
  start(2, 4);
  caf::scoped_actor self{sys};
  std::string encoded;
  self->request(hasher, caf::infinite, hash_password{password("correct horse")})
      .receive([&](hashed_password& h) { encoded = std::move(h.encoded); }, [](const caf::error&) { ADD_FAILURE(); });
  auto right = [&](std::string_view word, std::optional<std::string> stored) {
    bool out = false;
    self->request(hasher, caf::infinite, check_password{password(word), std::move(stored)})
        .receive([&](password_verdict v) { out = v.right; }, [](const caf::error&) { ADD_FAILURE(); });
    return out;
  };
  EXPECT_TRUE(right("correct horse", encoded));
  EXPECT_FALSE(right("correct house", encoded));
  EXPECT_FALSE(right("correct horse", std::nullopt)) << "nobody has the name";
}

// The dispatcher has read all five messages before the one worker can have answered twice, or it has
// not: at least what does not fit is refused, and everything is answered.
TEST_F(password_hasher_test, refuses_what_its_queue_has_no_place_for) {
  start(1, 0);
  caf::scoped_actor self{sys};
  int hashed = 0;
  int refused = 0;
  constexpr int asked = 5;
  auto collect = self->spawn([&](caf::event_based_actor* asker) {
    for (int i = 0; i < asked; ++i)
      asker->request(hasher, caf::infinite, hash_password{password("correct horse")})
          .then([&](const hashed_password&) { ++hashed; },
                [&](const caf::error& e) { refused += to_failure(e).code == errc::overloaded ? 1 : 0; });
  });
  self->wait_for(collect);
  EXPECT_EQ(hashed + refused, asked);
  EXPECT_GE(hashed, 1);
}
