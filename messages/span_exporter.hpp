// span_exporter: collects spans that ended and has them sent in batches. Nobody waits for it: spans are told, not asked
// for, and what does not fit or cannot be sent is dropped and counted.
#pragma once

#include "messages/caf_errors.hpp"
#include "messages/span.hpp"

#include <caf/all.hpp>

#include <memory>

namespace mana {

struct span_ended {
  ended_span span;
  // Its place among the spans that wait, from infra/tracing/span_places.hpp; held until it was sent or dropped, so that
  // mailbox and queue together are bounded.
  std::shared_ptr<const void> place;
};

// Sends what there is without waiting for a batch to fill up.
struct flush_spans {};
struct spans_flushed {};

using span_exporter_actor = caf::typed_actor<caf::reacts_to<span_ended>,
                                             // Answers when no span waits any more, which a collector that is away
                                             // delays: the requester has a timeout. Never fails.
                                             caf::replies_to<flush_spans>::with<spans_flushed>>;

} // namespace mana

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::span_ended)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::flush_spans)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mana::spans_flushed)
