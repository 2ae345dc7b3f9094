#include "actors/span_exporter/span_exporter_actor.hpp"

#include <algorithm>

namespace mana {

std::string_view to_string(span_drop why) noexcept {
  switch (why) {
    case span_drop::queue_full: return "queue_full";
    case span_drop::retries_spent: return "retries_spent";
    case span_drop::rejected: return "rejected";
    case span_drop::shutdown: return "shutdown";
  }
  return "shutdown";
}

span_exporter::span_exporter(caf::actor_config& cfg, span_exporter_config config, span_exporter_deps deps)
  : span_exporter_self::base(cfg), config_(std::move(config)), deps_(std::move(deps)),
    frame_(tracing::otlp_frame_of(config_.resource)) {}

void span_exporter::on_exit() {
  if (auto left = waiting_.size() + batch_.size(); left > 0)
    deps_.observer.dropped(span_drop::shutdown, left);
  waiting_.clear();
  batch_.clear();
  answer_flushes();
  deps_ = {};
}

span_exporter::behavior_type span_exporter::make_behavior() {
  return {
      [this](span_ended& what) { add(what); },
      [this](flush_spans) { return flush(); },
      [this](const batch_is_old& old) {
        if (old.batch == batches_ && batch_.empty() && !waiting_.empty())
          begin_batch();
      },
      [this](send_again) {
        if (std::exchange(backing_off_, false))
          send();
      },
  };
}

// -- what waits -----------------------------------------------------------------------------------------------------

void span_exporter::add(span_ended& what) {
  waiting_.push_back({tracing::to_otlp(what.span), std::move(what.place)});
  waiting_bytes_ += waiting_.back().text.size();
  if (!batch_.empty())
    return;
  if (is_full() || !flushes_.empty())
    begin_batch();
  else if (waiting_.size() == 1)
    delayed_send(this, config_.max_age, batch_is_old{batches_});
}

bool span_exporter::is_full() const {
  return waiting_.size() >= config_.max_batch || waiting_bytes_ >= config_.max_batch_bytes;
}

void span_exporter::send_what_is_due() {
  if (waiting_.empty())
    return answer_flushes();
  if (is_full() || !flushes_.empty())
    return begin_batch();
  // How long they have waited for the batch before is not known any more; at most twice their time in all.
  delayed_send(this, config_.max_age, batch_is_old{batches_});
}

caf::result<spans_flushed> span_exporter::flush() {
  auto promise = make_response_promise<spans_flushed>();
  flushes_.push_back(promise);
  if (std::exchange(backing_off_, false))
    send();
  else if (batch_.empty())
    send_what_is_due();
  return promise;
}

void span_exporter::answer_flushes() {
  for (auto& promise : std::exchange(flushes_, {}))
    promise.deliver(spans_flushed{});
}

// -- the batch under way --------------------------------------------------------------------------------------------

void span_exporter::begin_batch() {
  ++batches_;
  attempts_ = 0;
  for (std::size_t bytes = 0; !waiting_.empty() && batch_.size() < config_.max_batch;) {
    bytes += waiting_.front().text.size();
    if (!batch_.empty() && bytes > config_.max_batch_bytes)
      break;
    waiting_bytes_ -= waiting_.front().text.size();
    batch_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  send();
}

void span_exporter::send() {
  ++attempts_;
  std::vector<std::string_view> texts;
  texts.reserve(batch_.size());
  for (auto& s : batch_)
    texts.emplace_back(s.text);
  export_spans request_body{std::make_shared<const std::string>(tracing::otlp_body(frame_, texts))};
  request(deps_.client, caf::infinite, std::move(request_body)) // the client owns the deadline
      .then([this](const export_answer& answer) { answered(answer); },
            [this](const caf::error& e) { failed(std::string{to_string(to_failure(e).code)}, std::nullopt); });
}

void span_exporter::answered(const export_answer& answer) {
  switch (answer.what) {
    case export_answer::verdict::retryable: return failed(answer.detail, answer.retry_after);
    case export_answer::verdict::refused:
      deps_.observer.failed({errc::export_failed, answer.detail});
      return drop_batch(span_drop::rejected);
    case export_answer::verdict::accepted: break;
  }
  auto rejected = std::min(answer.rejected, batch_.size());
  deps_.observer.exported(batch_.size() - rejected);
  if (rejected > 0) {
    deps_.observer.dropped(span_drop::rejected, rejected);
    deps_.observer.failed({errc::export_failed, "the collector took a part of the spans only"});
  } else {
    deps_.observer.works();
  }
  batch_ended();
}

// A pause that the collector asks for is kept, with the jitter on top, so that not all replicas come back at once.
void span_exporter::failed(std::string why, std::optional<std::chrono::milliseconds> retry_after) {
  deps_.observer.failed({errc::export_failed, std::move(why)});
  if (attempts_ >= config_.max_attempts)
    return drop_batch(span_drop::retries_spent);
  auto pause = config_.between.delay(attempts_, deps_.random()) + retry_after.value_or(std::chrono::milliseconds{0});
  backing_off_ = true;
  delayed_send(this, std::min(pause, config_.longest_pause), send_again{});
}

void span_exporter::drop_batch(span_drop why) {
  deps_.observer.dropped(why, batch_.size());
  batch_ended();
}

void span_exporter::batch_ended() {
  batch_.clear();
  send_what_is_due();
}

} // namespace mana
