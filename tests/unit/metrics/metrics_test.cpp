#include "infra/metrics/process.hpp"
#include "infra/metrics/series.hpp"
#include "infra/metrics/user_group.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>

using namespace std::chrono_literals;
using namespace mana::metrics;

namespace {

std::string type_name(prometheus::MetricType t) {
  switch (t) {
    case prometheus::MetricType::Counter: return "counter";
    case prometheus::MetricType::Gauge: return "gauge";
    case prometheus::MetricType::Histogram: return "histogram";
    default: return "other";
  }
}

// One sorted line per series: type, name, labels, bucket bounds.
std::string described(const registry& r) {
  std::set<std::string> lines;
  for (auto& f : r.collect())
    for (auto& m : f.metric) {
      std::set<std::string> labels;
      for (auto& l : m.label)
        labels.insert(l.name + "=\"" + l.value + '"');
      std::string line = f.name + ' ' + type_name(f.type);
      for (auto& l : labels)
        line += ' ' + l;
      std::ostringstream bounds;
      for (auto& b : m.histogram.bucket)
        bounds << ' ' << b.upper_bound;
      lines.insert(line + (bounds.str().empty() ? "" : " le:" + bounds.str()));
    }
  std::string out;
  for (auto& l : lines)
    out += l + '\n';
  return out;
}

double value_of(const registry& r, const std::string& name, const std::map<std::string, std::string>& labels = {}) {
  for (auto& f : r.collect())
    for (auto& m : f.metric) {
      std::map<std::string, std::string> of_series;
      for (auto& l : m.label)
        of_series[l.name] = l.value;
      of_series.erase("service");
      if (f.name == "mana_ai_" + name && of_series == labels)
        return f.type == prometheus::MetricType::Counter ? m.counter.value
               : f.type == prometheus::MetricType::Gauge ? m.gauge.value
                                                         : static_cast<double>(m.histogram.sample_count);
    }
  return -1;
}

// Names, types, labels and buckets are part of the contract: dashboards and alerts use them.
TEST(metrics, are_those_of_the_golden_file) {
  registry r;
  scheduler_metrics scheduler{r};
  quarantine_metrics quarantine{r};
  planner_metrics planner{r};
  user_group_metrics groups{r};
  grant_key_metrics grant_key{r};
  refresher_metrics refresher{r};
  listener_metrics listener{r};
  llm_metrics llm{r};
  llm.endpoint(0);
  audit_metrics audit{r};
  maintenance_metrics maintenance{r};
  database_metrics database{r};
  database.statement("claim_missions");
  vault_metrics vault{r};
  vault.attempt("grant", "ok");
  sync_metrics sync{r};
  http_metrics http{r};
  http.record("GET", "/health", 200, 1ms);
  tracing_metrics tracing{r};
  std::ifstream in{MANA_TEST_DATA "/unit/metrics/series.golden"};
  std::string golden{std::istreambuf_iterator<char>{in}, {}};
  EXPECT_EQ(described(r), golden);
}

TEST(metrics, text_has_help_type_and_the_service_label) {
  registry r;
  refresher_metrics m{r};
  m.rows_applied.Increment(3);
  auto text = r.text();
  EXPECT_NE(text.find("# TYPE mana_ai_snapshot_rows_applied_total counter\n"), std::string::npos);
  EXPECT_NE(text.find("mana_ai_snapshot_rows_applied_total{service=\"mana-ai\"} 3\n"), std::string::npos) << text;
}

TEST(metrics, of_one_owner_may_be_resolved_twice) {
  registry r;
  scheduler_metrics a{r};
  scheduler_metrics b{r};
  a.ticks.Increment();
  b.ticks.Increment();
  EXPECT_EQ(value_of(r, "ticks_total"), 2);
}

TEST(series_by_label, collects_unlisted_values_under_other) {
  registry r;
  llm_metrics m{r};
  m.attempts["ok"].Increment();
  m.attempts["surprise"].Increment();
  m.attempts["another"].Increment();
  EXPECT_EQ(value_of(r, "llm_attempts_total", {{"class", "ok"}}), 1);
  EXPECT_EQ(value_of(r, "llm_attempts_total", {{"class", "timeout"}}), 0);
  EXPECT_EQ(value_of(r, "llm_attempts_total", {{"class", "other"}}), 2);
}

TEST(http_metrics, bound_their_labels) {
  registry r;
  http_metrics m{r};
  m.record("GET", "/internal/missions/{userId}", 200, 1ms);
  m.record("GET", "/internal/missions/{userId}", 200, 2ms);
  m.record("BREW", "", 404, 1ms);
  m.record("<x>", "", 404, 1ms);
  EXPECT_EQ(value_of(r, "http_requests_total",
                     {{"method", "GET"}, {"path", "/internal/missions/{userId}"}, {"status", "200"}}),
            2);
  EXPECT_EQ(
      value_of(r, "http_request_duration_seconds", {{"method", "OTHER"}, {"path", "unmatched"}, {"status", "404"}}), 2);
}

TEST(database_metrics, keep_one_series_per_statement) {
  registry r;
  database_metrics m{r};
  EXPECT_EQ(&m.statement("a"), &m.statement("a"));
  EXPECT_NE(&m.statement("a"), &m.statement("b"));
}

// The groups are hashes as PostgreSQL computes them, too: 21 is
// get_byte(sha256(convert_to('anna', 'UTF8')), 0) % 64.
TEST(user_group, is_the_same_everywhere) {
  EXPECT_EQ(user_group("anna"), "21");
  EXPECT_EQ(user_group("ben"), "39");
  EXPECT_EQ(user_group("user-1"), "6");
}

TEST(user_group, is_one_of_few_however_many_users_there_are) {
  std::set<std::string_view> seen;
  for (int i = 0; i < 5000; ++i)
    seen.insert(user_group("user-" + std::to_string(i)));
  EXPECT_EQ(seen, std::set<std::string_view>(user_groups().begin(), user_groups().end()));
  EXPECT_EQ(user_groups().size(), 64u);
}

TEST(process_stat, is_read_past_a_hostile_program_name) {
  EXPECT_EQ(parse_stat("7 (a b) 1 (x)) S 1 7 7 0 -1 4194560 100 0 0 0 31 11 0 0 20 0 4 0 202187 2998272 393 1844 1"),
            (process_stat{42, 202187, 393}));
}

TEST(process_stat, rejects_anything_else) {
  EXPECT_EQ(parse_stat(""), std::nullopt);
  EXPECT_EQ(parse_stat("7 (a) S 1 2 3"), std::nullopt);
  EXPECT_EQ(parse_stat("7 (a) S 1 7 7 0 -1 4194560 100 0 0 0 31 -11 0 0 20 0 4 0 202187 2998272 393"), std::nullopt);
}

TEST(boot_time, is_the_btime_line) {
  EXPECT_EQ(parse_boot_time("cpu 1 2\nctxt 3\nbtime 1795369780\nprocesses 4\n"), 1795369780u);
  EXPECT_EQ(parse_boot_time("cpu 1 2\n"), std::nullopt);
  EXPECT_EQ(parse_boot_time("cpu\nbtime \n"), std::nullopt);
}

TEST(process_collector, measures_this_process) {
  registry r;
  EXPECT_GE(value_of(r, "process_cpu_seconds_total"), 0);
  EXPECT_GT(value_of(r, "process_resident_memory_bytes"), 1 << 20);
  EXPECT_GT(value_of(r, "process_open_fds"), 2);
  EXPECT_GT(value_of(r, "process_start_time_seconds"), 1.6e9);
}

} // namespace
