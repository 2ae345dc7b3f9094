// LLM calls of tabs, with a fake database and a fake client.
#include "actors/llm_proxy/llm_proxy_actor.hpp"

#include "messages/retry_after.hpp"
#include "tests/actors/virtual_time.hpp"

#include <gmock/gmock.h>

namespace mana::test {

// To a fake: answer what has been held back so far. Only an actor itself may deliver its promises.
struct answer_held {};

} // namespace mana::test

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::test::answer_held)

namespace mana {
namespace {

using namespace std::chrono_literals;
using test::answer_held;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// What the fakes saw, and what they answer. Answers may be held back.
struct world {
  std::optional<failure> reserving; // refuses
  bool holds_reservations = false;
  bool holds_answers = false;
  std::optional<failure> answering; // refuses
  std::vector<std::string> jobs;
  std::vector<caf::typed_response_promise<database_answer>> reservations;
  std::vector<caf::typed_response_promise<chat_answer>> answers;
  std::vector<std::string> asked; // users
  std::size_t aborted = 0;

  database_answer reservation() const {
    if (reserving)
      return {result<token_reservation>{*reserving}};
    return {result<token_reservation>{token_reservation{1'000, 1}}};
  }
  static chat_answer text() {
    chat_answer a;
    a.content = "plan";
    a.prompt_tokens = 30;
    a.completion_tokens = 12;
    return a;
  }
};

using database_fake = database_actor::extend<caf::reacts_to<answer_held>>;
using llm_fake = llm_client_actor::extend<caf::reacts_to<answer_held>>;

database_fake::behavior_type fake_database(database_fake::pointer self, world* w) {
  return {[=](database_job& job) -> caf::result<database_answer> {
            w->jobs.emplace_back(job.name);
            if (w->jobs.back() != "reserve_tokens")
              return database_answer{};
            if (!w->holds_reservations)
              return w->reservation();
            w->reservations.push_back(self->make_response_promise<database_answer>());
            return w->reservations.back();
          },
          [](get_database_status) { return database_status{}; },
          [=](answer_held) {
            for (auto& promise : std::exchange(w->reservations, {}))
              promise.deliver(w->reservation());
          }};
}

// As the client does, it gives up calls whose requester ends.
llm_fake::behavior_type fake_llm(llm_fake::pointer self, world* w) {
  self->set_down_handler([w](const caf::down_msg&) { ++w->aborted; });
  return {[=](chat_call& call) -> caf::result<chat_answer> {
            w->asked.push_back(call.user.value);
            if (w->answering)
              return to_caf(*w->answering);
            if (!w->holds_answers)
              return world::text();
            self->monitor(caf::actor_cast<caf::actor_addr>(self->current_sender()));
            w->answers.push_back(self->make_response_promise<chat_answer>());
            return w->answers.back();
          },
          [](get_llm_status) { return llm_status{}; },
          [=](answer_held) {
            for (auto& promise : std::exchange(w->answers, {}))
              promise.deliver(world::text());
          }};
}

struct llm_proxy_test : test::virtual_time {
  ~llm_proxy_test() override {
    world_.reservations.clear();
    world_.answers.clear();
  }

  void start(call_rules rules = {3, 2, 10}) {
    llm_proxy_deps deps;
    database_ = keep(sys_.spawn(fake_database, &world_));
    llm_ = keep(sys_.spawn(fake_llm, &world_));
    deps.database = database_;
    deps.llm = llm_;
    deps.observer.tokens_used = [this](auto& user, auto n) {
      used_.push_back(n);
      users_.push_back(user.value);
    };
    proxy_ = keep(sys_.spawn<llm_proxy>(llm_proxy_config{rules, 1'000, 500}, std::move(deps)));
  }
  static user_chat chat(const std::string& user = "anna") {
    return {{user}, std::make_shared<const chat_prompt>(sensitive_text{"system"}, sensitive_text{"0123456789"})};
  }
  auto ask(const std::string& user = "anna") { return virtual_time::ask<chat_answer>(proxy_, chat(user)); }
  // Who asks and may go away.
  caf::actor ask_and_stay(const std::string& user = "anna") {
    auto who = sys_.spawn(
        [](caf::event_based_actor* self, const llm_proxy_actor& proxy, const std::string& name) {
          self->request(proxy, caf::infinite, chat(name)).then([](const chat_answer&) {}, [](const caf::error&) {});
        },
        proxy_, user);
    run();
    return who;
  }
  void leave(caf::actor who) {
    caf::anon_send_exit(who, caf::exit_reason::user_shutdown);
    run();
  }
  static errc code_of(const test::outcome<chat_answer>& o) { return to_failure(*o.error).code; }

  template <class Fake>
  void answer_what(const Fake& fake) {
    caf::anon_send(fake, answer_held{});
    run();
  }

  world world_;
  database_fake database_;
  llm_fake llm_;
  std::vector<std::int64_t> used_;
  std::vector<std::string> users_; // who used them
  llm_proxy_actor proxy_;
};

TEST_F(llm_proxy_test, sets_tokens_aside_asks_and_settles) {
  start();
  auto o = ask();
  ASSERT_TRUE(o->value);
  EXPECT_EQ(o->value->content, "plan");
  EXPECT_THAT(world_.jobs, ElementsAre("reserve_tokens", "settle_tokens"));
  EXPECT_THAT(world_.asked, ElementsAre("anna"));
  EXPECT_THAT(used_, ElementsAre(42));
  EXPECT_THAT(users_, ElementsAre("anna"));
}

TEST_F(llm_proxy_test, a_spent_budget_asks_nobody) {
  start();
  world_.reserving = token_budget_spent_for(90s);
  auto o = ask();
  ASSERT_TRUE(o->error);
  EXPECT_EQ(retry_after(to_failure(*o->error)), 90s);
  EXPECT_THAT(world_.asked, IsEmpty());
  EXPECT_THAT(world_.jobs, ElementsAre("reserve_tokens"));
  world_.reserving.reset();
  EXPECT_TRUE(ask()->value); // nothing of it is in flight any more
  EXPECT_TRUE(ask()->value);
}

TEST_F(llm_proxy_test, a_call_that_fails_costs_nothing) {
  start();
  world_.answering = failure{errc::llm_timeout, "total deadline"};
  auto o = ask();
  ASSERT_TRUE(o->error);
  EXPECT_EQ(code_of(*o), errc::llm_timeout);
  EXPECT_THAT(world_.jobs, ElementsAre("reserve_tokens", "settle_tokens"));
  EXPECT_THAT(used_, ElementsAre(0));
}

TEST_F(llm_proxy_test, calls_per_minute_are_limited_per_user) {
  start();
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(ask()->value) << i;
  auto o = ask();
  ASSERT_TRUE(o->error);
  EXPECT_EQ(retry_after(to_failure(*o->error)), 20s);
  EXPECT_TRUE(ask("ben")->value);
  advance(20s, 1s);
  EXPECT_TRUE(ask()->value);
}

TEST_F(llm_proxy_test, calls_at_once_are_limited_until_one_is_answered) {
  start();
  world_.holds_answers = true;
  auto first = ask();
  auto second = ask();
  auto third = ask();
  ASSERT_TRUE(third->error);
  EXPECT_EQ(code_of(*third), errc::rate_limited);
  EXPECT_FALSE(first->value || first->error);
  answer_what(llm_);
  EXPECT_TRUE(first->value);
  EXPECT_TRUE(second->value);
  auto fourth = ask();
  EXPECT_FALSE(fourth->error);
  answer_what(llm_);
  EXPECT_TRUE(fourth->value);
}

TEST_F(llm_proxy_test, who_goes_away_takes_the_call_along_and_pays_for_the_prompt) {
  start();
  world_.holds_answers = true;
  auto who = ask_and_stay();
  auto other = ask();
  leave(who);
  EXPECT_EQ(world_.aborted, 1u);
  EXPECT_THAT(used_, ElementsAre(4)); // 16 bytes
  EXPECT_THAT(world_.jobs, ElementsAre("reserve_tokens", "reserve_tokens", "settle_tokens"));
  EXPECT_FALSE(other->value || other->error);
  auto next = ask(); // its place is free
  EXPECT_FALSE(next->error);
}

TEST_F(llm_proxy_test, who_goes_away_before_the_tokens_are_set_aside_gets_them_back) {
  start();
  world_.holds_reservations = true;
  auto who = ask_and_stay();
  leave(who);
  answer_what(database_);
  EXPECT_THAT(world_.asked, IsEmpty());
  EXPECT_THAT(world_.jobs, ElementsAre("reserve_tokens", "settle_tokens"));
  EXPECT_THAT(used_, ElementsAre(0));
}

TEST_F(llm_proxy_test, who_goes_away_after_the_answer_changes_nothing) {
  start();
  auto who = ask_and_stay();
  leave(who);
  EXPECT_THAT(used_, ElementsAre(42));
  EXPECT_EQ(world_.aborted, 0u);
}

TEST_F(llm_proxy_test, calls_under_way_are_answered_when_it_stops) {
  start();
  world_.holds_answers = true;
  auto o = ask();
  caf::anon_send_exit(proxy_, caf::exit_reason::user_shutdown);
  run();
  ASSERT_TRUE(o->error);
  EXPECT_EQ(code_of(*o), errc::cancelled);
  EXPECT_EQ(world_.aborted, 1u);
}

} // namespace
} // namespace mana
