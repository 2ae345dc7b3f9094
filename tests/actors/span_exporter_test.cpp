#include "actors/span_exporter/span_exporter_actor.hpp"

#include "infra/json/value.hpp"
#include "infra/tracing/span_places.hpp"
#include "tests/actors/virtual_time.hpp"

#include <gmock/gmock.h>

#include <map>

namespace mana::test {

// To the fake collector: answer what it holds. Only an actor itself may deliver its promises.
struct answer_exports {
  export_answer with;
};

} // namespace mana::test

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::test::answer_exports)

using namespace std::chrono_literals;
using namespace mana;
using test::answer_exports;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

namespace {

using verdict = export_answer::verdict;
using collector_fake = otlp_client_actor::extend<caf::reacts_to<answer_exports>>;
using names = std::vector<std::string>;

// The names of the spans in a body.
names spans_in(const std::string& body) {
  names out;
  auto document = json::parse(body);
  for (auto& r : *document->find("resourceSpans")->as_array())
    for (auto& s : *r.find("scopeSpans")->as_array())
      for (auto& one : *s.find("spans")->as_array())
        out.emplace_back(one.text("name"));
  return out;
}

struct span_exporter_test : test::virtual_time {
  span_exporter_test() {
    config_.max_batch = 3;
    config_.max_age = 1s;
    config_.max_attempts = 3;
    config_.between = {.least = 0ms, .base = 1s, .max = 10s};
  }
  ~span_exporter_test() override { stop_all(); }

  static collector_fake::behavior_type fake_collector(collector_fake::pointer self, span_exporter_test* test) {
    return {[=](export_spans& asked) -> caf::result<export_answer> {
              test->posts_.push_back(spans_in(*asked.body));
              if (!test->hangs_)
                return test->answer_;
              test->held_.push_back(self->make_response_promise<export_answer>());
              return test->held_.back();
            },
            [=](const answer_exports& order) {
              for (auto& promise : std::exchange(test->held_, {})) {
                if (test->cancels_)
                  promise.deliver(to_caf({errc::cancelled, "the service stops"}));
                else
                  promise.deliver(order.with);
              }
            }};
  }
  void start() {
    span_exporter_observer o;
    o.exported = [this](std::size_t n) { exported_ += n; };
    o.dropped = [this](span_drop why, std::size_t n) { dropped_[std::string{to_string(why)}] += n; };
    o.works = [this] { troubles_.clear(); };
    o.failed = [this](const failure& f) { troubles_.push_back(f.detail); };
    collector_ = keep(sys_.spawn(fake_collector, this));
    exporter_ = keep(span_exporter_actor{
        sys_.spawn<span_exporter>(config_, span_exporter_deps{collector_, [this] { return random_; }, o})});
    run();
  }
  // Whether there was a place.
  bool ended(const std::string& name) {
    auto place = places_.take();
    if (!place)
      return false;
    span_ended what;
    what.span.name = name;
    what.place = std::move(place);
    caf::anon_send(exporter_, std::move(what));
    run();
    return true;
  }
  void answers_held(export_answer answer) {
    caf::anon_send(collector_, answer_exports{std::move(answer)});
    run();
  }
  static export_answer retry(std::optional<std::chrono::milliseconds> after = std::nullopt) {
    return {verdict::retryable, 0, after, "status 503"};
  }

  span_exporter_config config_;
  tracing::span_places places_{8};
  std::vector<names> posts_;
  export_answer answer_;
  bool hangs_ = false;
  bool cancels_ = false; // what it held
  std::vector<caf::typed_response_promise<export_answer>> held_;
  double random_ = 0.5;
  collector_fake collector_;
  span_exporter_actor exporter_;
  std::size_t exported_ = 0;
  std::map<std::string, std::size_t> dropped_;
  names troubles_;
};

// -- batches --------------------------------------------------------------------------------------------------------

TEST_F(span_exporter_test, a_batch_goes_when_it_is_full) {
  start();
  ended("a");
  ended("b");
  EXPECT_THAT(posts_, IsEmpty());
  ended("c");
  EXPECT_THAT(posts_, ElementsAre(names{"a", "b", "c"}));
  EXPECT_EQ(exported_, 3u);
  EXPECT_EQ(places_.taken(), 0u);
}

TEST_F(span_exporter_test, a_batch_goes_when_its_first_span_is_old) {
  start();
  ended("a");
  advance(900ms);
  ended("b");
  EXPECT_THAT(posts_, IsEmpty());
  advance(100ms);
  EXPECT_THAT(posts_, ElementsAre(names{"a", "b"}));
  ended("c");
  advance(900ms); // the timer of the first batch is no reason
  EXPECT_THAT(posts_, SizeIs(1));
  advance(100ms);
  EXPECT_THAT(posts_, ElementsAre(names{"a", "b"}, names{"c"}));
}

TEST_F(span_exporter_test, a_batch_goes_when_it_is_large) {
  config_.max_batch = 100;
  config_.max_batch_bytes = 1'000;
  start();
  std::string large(400, 'x');
  ended(large);
  EXPECT_THAT(posts_, IsEmpty());
  ended(large);
  ASSERT_THAT(posts_, SizeIs(1));
  EXPECT_THAT(posts_[0], SizeIs(1)); // two would be more than allowed
  ended(std::string(2'000, 'y'));    // alone it may
  advance(1s);
  EXPECT_EQ(exported_, 3u);
  EXPECT_THAT(posts_, ElementsAre(SizeIs(1), SizeIs(1), SizeIs(1)));
}

TEST_F(span_exporter_test, one_batch_is_under_way_at_a_time) {
  hangs_ = true;
  start();
  for (auto name : {"a", "b", "c", "d", "e", "f", "g"})
    ended(name);
  advance(5s);
  EXPECT_THAT(posts_, SizeIs(1));
  answers_held({});
  EXPECT_THAT(posts_, ElementsAre(SizeIs(3), SizeIs(3)));
  answers_held({});
  EXPECT_THAT(posts_, SizeIs(2));
  advance(1s);
  EXPECT_THAT(posts_, ElementsAre(SizeIs(3), SizeIs(3), names{"g"}));
}

// -- a collector that does not take them ----------------------------------------------------------------------------

TEST_F(span_exporter_test, while_a_collector_hangs_the_queue_is_bounded) {
  hangs_ = true;
  start();
  int taken = 0;
  for (int i = 0; i < 20; ++i)
    taken += ended("s" + std::to_string(i)) ? 1 : 0;
  EXPECT_EQ(taken, 8);
  EXPECT_EQ(places_.taken(), 8u);
  hangs_ = false;
  answers_held({});
  advance(1s);
  EXPECT_EQ(exported_, 8u);
  EXPECT_EQ(places_.taken(), 0u);
  EXPECT_TRUE(ended("later"));
}

TEST_F(span_exporter_test, a_batch_is_sent_again_after_a_pause_with_jitter) {
  answer_ = retry();
  start();
  for (auto name : {"a", "b", "c"})
    ended(name);
  advance(400ms);
  EXPECT_THAT(posts_, SizeIs(1));
  advance(100ms); // half of a second
  EXPECT_THAT(posts_, SizeIs(2));
  EXPECT_THAT(troubles_, SizeIs(2));
  answer_ = {};
  advance(1s); // half of two
  EXPECT_THAT(posts_, ElementsAre(names{"a", "b", "c"}, names{"a", "b", "c"}, names{"a", "b", "c"}));
  EXPECT_EQ(exported_, 3u);
  EXPECT_THAT(dropped_, IsEmpty());
  EXPECT_THAT(troubles_, IsEmpty());
}

TEST_F(span_exporter_test, a_pause_that_the_collector_asks_for_is_kept) {
  answer_ = retry(7s);
  start();
  for (auto name : {"a", "b", "c"})
    ended(name);
  advance(7'400ms);
  EXPECT_THAT(posts_, SizeIs(1));
  advance(100ms);
  EXPECT_THAT(posts_, SizeIs(2));
}

TEST_F(span_exporter_test, a_pause_has_its_limit) {
  answer_ = retry(24h);
  start();
  for (auto name : {"a", "b", "c"})
    ended(name);
  advance(60s, 1s);
  EXPECT_THAT(posts_, SizeIs(2));
}

TEST_F(span_exporter_test, a_batch_that_failed_too_often_makes_room) {
  answer_ = retry();
  random_ = 0;
  start();
  for (auto name : {"a", "b", "c", "d"})
    ended(name);
  advance(300ms); // pauses of nothing
  EXPECT_THAT(posts_, SizeIs(3));
  EXPECT_EQ(dropped_, (std::map<std::string, std::size_t>{{"retries_spent", 3}}));
  EXPECT_EQ(places_.taken(), 1u);
  answer_ = {};
  advance(1s);
  EXPECT_EQ(posts_.back(), names{"d"});
  EXPECT_EQ(exported_, 1u);
}

TEST_F(span_exporter_test, a_batch_that_is_refused_is_not_sent_again) {
  answer_ = {verdict::refused, 0, {}, "status 400"};
  start();
  for (auto name : {"a", "b", "c"})
    ended(name);
  advance(1min);
  EXPECT_THAT(posts_, SizeIs(1));
  EXPECT_EQ(dropped_, (std::map<std::string, std::size_t>{{"rejected", 3}}));
  EXPECT_THAT(troubles_, ElementsAre("status 400"));
}

TEST_F(span_exporter_test, what_a_collector_leaves_out_is_counted) {
  answer_.rejected = 2;
  start();
  for (auto name : {"a", "b", "c"})
    ended(name);
  EXPECT_EQ(exported_, 1u);
  EXPECT_EQ(dropped_, (std::map<std::string, std::size_t>{{"rejected", 2}}));
  answer_.rejected = 99; // more than there were
  for (auto name : {"a", "b", "c"})
    ended(name);
  EXPECT_EQ(exported_, 1u);
  EXPECT_EQ(dropped_["rejected"], 5u);
}

TEST_F(span_exporter_test, a_client_that_is_gone_is_no_answer) {
  hangs_ = true;
  start();
  for (auto name : {"a", "b", "c"})
    ended(name);
  cancels_ = true;
  answers_held({});
  EXPECT_THAT(troubles_, ElementsAre("cancelled"));
  advance(500ms);
  EXPECT_THAT(posts_, SizeIs(2));
}

// -- the end --------------------------------------------------------------------------------------------------------

TEST_F(span_exporter_test, a_flush_sends_everything_at_once) {
  start();
  ended("a");
  auto flushed = ask<spans_flushed>(exporter_, flush_spans{});
  EXPECT_TRUE(flushed->value);
  EXPECT_THAT(posts_, ElementsAre(names{"a"}));
  EXPECT_TRUE(ask<spans_flushed>(exporter_, flush_spans{})->value); // of nothing
}

TEST_F(span_exporter_test, a_flush_waits_for_what_is_under_way_and_what_waits_behind_it) {
  hangs_ = true;
  start();
  for (auto name : {"a", "b", "c", "d"})
    ended(name);
  auto flushed = ask<spans_flushed>(exporter_, flush_spans{});
  EXPECT_FALSE(flushed->value);
  answers_held({});
  EXPECT_FALSE(flushed->value);
  answers_held({});
  EXPECT_TRUE(flushed->value);
  EXPECT_THAT(posts_, ElementsAre(SizeIs(3), names{"d"}));
}

TEST_F(span_exporter_test, a_flush_does_not_sit_out_a_pause) {
  answer_ = retry(30s);
  start();
  for (auto name : {"a", "b", "c"})
    ended(name);
  answer_ = {};
  EXPECT_TRUE(ask<spans_flushed>(exporter_, flush_spans{})->value);
  EXPECT_EQ(exported_, 3u);
}

TEST_F(span_exporter_test, what_waits_at_its_end_is_dropped_and_counted) {
  hangs_ = true;
  start();
  for (auto name : {"a", "b", "c", "d"})
    ended(name);
  auto flushed = ask<spans_flushed>(exporter_, flush_spans{});
  caf::anon_send_exit(exporter_, caf::exit_reason::user_shutdown);
  run();
  EXPECT_TRUE(flushed->value);
  EXPECT_EQ(dropped_, (std::map<std::string, std::size_t>{{"shutdown", 4}}));
  EXPECT_EQ(places_.taken(), 0u);
}

} // namespace
