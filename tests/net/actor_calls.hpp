// Asking an actor that lives on an io_loop, and ending it, from the test's own thread.
#pragma once

#include "messages/caf_errors.hpp"

#include <caf/all.hpp>

namespace mana::testing {

template <class Answer, class Handle, class Question>
result<Answer> ask_actor(caf::actor_system& sys, const Handle& receiver, Question question) {
  result<Answer> out = failure{};
  caf::scoped_actor self{sys};
  self->request(receiver, caf::infinite, std::move(question))
      .receive([&](Answer& a) { out = std::move(a); }, [&](const caf::error& e) { out = to_failure(e); });
  return out;
}

// Actors end while their loop still runs, because their last coroutines need it. Nothing for an empty handle.
template <class Handle>
void end_actor(caf::actor_system& sys, Handle& actor) {
  if (!actor)
    return;
  caf::scoped_actor self{sys};
  self->send_exit(actor, caf::exit_reason::user_shutdown);
  self->wait_for(actor);
  actor = nullptr;
}

} // namespace mana::testing
