// The headers of W3C Trace Context (https://www.w3.org/TR/trace-context/), versions 00 and later. Pure.
#pragma once

#include "messages/span.hpp"

#include <array>
#include <optional>
#include <string_view>

namespace mana::tracing {

inline constexpr std::string_view traceparent_name = "traceparent";
inline constexpr std::string_view tracestate_name = "tracestate";

// `<version>-<trace-id>-<parent-id>-<flags>`, in lower-case hex; `span` is the sender's. nullopt: not to be used, so a
// new trace begins. Version 00 has nothing behind the flags; of higher ones what version 00 knows is read, whatever
// follows a further dash; ff is no version. Of the flags only `sampled` is known.
std::optional<span_context> parse_traceparent(std::string_view header) noexcept;

// Version 00.
std::array<char, 55> format_traceparent(const span_context& c) noexcept;

// A tracestate as it may be passed on: a list of `key=value` with the specification's characters, at most 32 of them
// and 512 characters in all, which is what everybody has to pass on. Empty: dropped. Parts of it are never dropped or
// added: the order says who came when. It is nobody's business here, so spans and logs do not have it.
std::string_view usable_tracestate(std::string_view header) noexcept;

} // namespace mana::tracing
