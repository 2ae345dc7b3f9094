// span_exporter: the actor behind messages/span_exporter.hpp.
//
//   waiting ──▶ sending ──▶ accepted                      exported, but for what the collector did not take: rejected
//      ▲           │  ▲ ──▶ refused                       rejected
//      │           ▼  │
//   span_ended   backing off ──▶ tried too often          retries_spent
//
// One batch is under way at a time. The next one is sent when it is full, by count or bytes, or when its first span is
// max_age old. A collector that is slow, down or hangs holds up its batch alone: what ends meanwhile waits, and once
// all places are taken (infra/tracing/span_places.hpp) spans are dropped where they end. What waits when the actor ends
// is dropped as `shutdown`.
#pragma once

#include "actors/scheduler/backoff.hpp"
#include "infra/tracing/otlp_json.hpp"
#include "messages/otlp_client.hpp"
#include "messages/result.hpp"
#include "messages/span_exporter.hpp"

#include <caf/all.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mana {

struct span_exporter_config {
  tracing::resource resource;
  std::size_t max_batch = 512;
  std::size_t max_batch_bytes = 512u << 10; // of the spans' text; a single larger one goes alone
  std::chrono::milliseconds max_age{5'000};
  unsigned max_attempts = 5; // per batch, the first one included
  backoff between{
      .least = std::chrono::milliseconds{500}, .base = std::chrono::seconds{1}, .max = std::chrono::seconds{10}};
  std::chrono::milliseconds longest_pause{60'000}; // however long the collector asks for
};

enum class span_drop : std::uint8_t { queue_full, retries_spent, rejected, shutdown };
std::string_view to_string(span_drop why) noexcept;

// Metrics and log. Must neither block nor throw.
struct span_exporter_observer {
  std::function<void(std::size_t spans)> exported = [](auto) {};
  std::function<void(span_drop why, std::size_t spans)> dropped = [](auto, auto) {};
  std::function<void()> works = [] {};
  std::function<void(const failure&)> failed = [](const auto&) {};
};

struct span_exporter_deps {
  otlp_client_actor client;
  std::function<double()> random; // in [0, 1)
  span_exporter_observer observer;
};

// The exporter's messages to itself.
struct batch_is_old {
  std::uint64_t batch = 0; // counts batches: an older one was sent before its time
};
struct send_again {};
using span_exporter_self = span_exporter_actor::extend<caf::reacts_to<batch_is_old>, caf::reacts_to<send_again>>;

class span_exporter : public span_exporter_self::base {
public:
  span_exporter(caf::actor_config& cfg, span_exporter_config config, span_exporter_deps deps);
  const char* name() const override { return "span_exporter"; }
  void on_exit() override;

protected:
  behavior_type make_behavior() override;

private:
  struct waiting_span {
    std::string text;
    std::shared_ptr<const void> place;
  };

  void add(span_ended& what);
  bool is_full() const;
  void send_what_is_due();
  void begin_batch();
  void send();
  void answered(const export_answer& answer);
  void failed(std::string why, std::optional<std::chrono::milliseconds> retry_after);
  void drop_batch(span_drop why);
  void batch_ended();
  caf::result<spans_flushed> flush();
  void answer_flushes();

  span_exporter_config config_;
  span_exporter_deps deps_;
  tracing::otlp_frame frame_;
  std::deque<waiting_span> waiting_;
  std::size_t waiting_bytes_ = 0;
  std::vector<waiting_span> batch_; // under way; empty: none is
  unsigned attempts_ = 0;           // of the batch
  bool backing_off_ = false;
  std::uint64_t batches_ = 0;
  std::vector<caf::typed_response_promise<spans_flushed>> flushes_; // while there are any, nothing waits for company
};

} // namespace mana

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::batch_is_old)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::send_again)
