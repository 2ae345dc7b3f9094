#include "infra/tracing/tracer.hpp"

#include "infra/tracing/span_places.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using namespace mana;
using namespace mana::tracing;

namespace {

trace_id id_ending_in(std::uint64_t last) {
  trace_id id;
  id.bytes[0] = 0xFF; // counts for nothing
  for (std::size_t i = 0; i < 8; ++i)
    id.bytes[15 - i] = static_cast<std::uint8_t>(last >> (8 * i));
  return id;
}

TEST(trace_id_ratio, takes_all_or_none_at_its_ends) {
  for (auto last : {std::uint64_t{0}, std::uint64_t{1} << 62, ~std::uint64_t{0}}) {
    EXPECT_TRUE(trace_id_ratio_sampler{1}.samples(id_ending_in(last)));
    EXPECT_FALSE(trace_id_ratio_sampler{0}.samples(id_ending_in(last)));
  }
}

// A quarter of 2^63 is 2^61, against the id's last eight bytes without their last bit.
TEST(trace_id_ratio, is_decided_by_the_id_alone) {
  trace_id_ratio_sampler quarter{0.25};
  EXPECT_TRUE(quarter.samples(id_ending_in(0)));
  EXPECT_TRUE(quarter.samples(id_ending_in((std::uint64_t{1} << 62) - 1)));
  EXPECT_FALSE(quarter.samples(id_ending_in(std::uint64_t{1} << 62)));
  EXPECT_FALSE(quarter.samples(id_ending_in(~std::uint64_t{0})));
}

struct tracer_test : testing::Test {
  tracer recording(double ratio = 1) {
    return tracer{
        trace_id_ratio_sampler{ratio},
        [this](ended_span&& s) { seen.push_back(std::move(s)); },
        {[this] { return random += 0x1111111111111111; }, [this] { return wall; }, [this] { return steady; }}};
  }
  static void named(ended_span& s) { s.name = "x"; }

  std::uint64_t random = 0;
  unix_time wall{1h};
  std::chrono::steady_clock::time_point steady{};
  std::vector<ended_span> seen;
};

TEST_F(tracer_test, a_root_has_no_parent_and_a_child_its_parents_trace) {
  auto t = recording();
  auto root = t.start();
  auto child = t.start(root.context);
  EXPECT_TRUE(root.context.valid());
  EXPECT_TRUE(root.context.sampled);
  EXPECT_FALSE(root.parent.valid());
  EXPECT_EQ(child.context.trace, root.context.trace);
  EXPECT_EQ(child.parent, root.context.span);
  EXPECT_NE(child.context.span, root.context.span);
}

TEST_F(tracer_test, the_caller_measures_or_the_steady_clock_does) {
  auto t = recording();
  auto a = t.start();
  wall += 10h; // it was set meanwhile
  steady += 5ms;
  t.end(a, 3ms, named);
  t.end(a, named);
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].started.start, unix_time{1h});
  EXPECT_EQ(seen[0].end - seen[0].started.start, 3ms);
  EXPECT_EQ(seen[1].end - seen[1].started.start, 5ms);
}

TEST_F(tracer_test, a_parent_decides_whether_its_children_are_exported) {
  auto none = recording(0);
  auto all = recording(1);
  span_context parent = all.start().context;
  none.end(none.start(parent, true), named);
  EXPECT_EQ(seen.size(), 1u);
  EXPECT_TRUE(seen[0].started.parent_is_remote);
  parent.sampled = false;
  all.end(all.start(parent, true), named);
  none.end(none.start(), named);
  EXPECT_EQ(seen.size(), 1u);
}

TEST_F(tracer_test, without_a_sink_there_are_ids_and_nothing_is_described) {
  tracer off{trace_id_ratio_sampler{1}};
  auto root = off.start();
  EXPECT_TRUE(root.context.valid());
  EXPECT_FALSE(root.context.sampled);
  EXPECT_EQ(root.start, unix_time{});
  auto parent = root.context;
  parent.sampled = true; // remote, and passed on
  auto child = off.start(parent, true);
  EXPECT_TRUE(child.context.sampled);
  off.end(child, [](ended_span&) { ADD_FAILURE() << "described"; });
}

TEST_F(tracer_test, one_that_is_none_makes_no_ids) {
  tracer none;
  auto s = none.start(recording().start().context);
  EXPECT_FALSE(s.context.valid());
  none.end(s, 1ms, [](ended_span&) { ADD_FAILURE() << "described"; });
}

TEST(tracer, ids_differ_between_threads) {
  tracer t{trace_id_ratio_sampler{0}};
  std::vector<std::vector<span_context>> made(4);
  std::vector<std::thread> threads;
  for (auto& list : made)
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i)
        list.push_back(t.start().context);
    });
  std::set<std::array<std::uint8_t, 16>> traces;
  std::set<std::array<std::uint8_t, 8>> spans;
  for (std::size_t i = 0; i < made.size(); ++i) {
    threads[i].join();
    for (auto& c : made[i]) {
      traces.insert(c.trace.bytes);
      spans.insert(c.span.bytes);
    }
  }
  EXPECT_EQ(traces.size(), 4000u);
  EXPECT_EQ(spans.size(), 4000u);
}

TEST(span_places, are_given_back_by_whoever_has_them_last) {
  span_places places{2};
  auto a = places.take();
  auto b = places.take();
  EXPECT_TRUE(a && b);
  EXPECT_FALSE(places.take());
  auto copy = a;
  a.reset();
  EXPECT_FALSE(places.take());
  copy.reset();
  EXPECT_TRUE(places.take());
  EXPECT_EQ(places.taken(), 1u);
}

} // namespace
