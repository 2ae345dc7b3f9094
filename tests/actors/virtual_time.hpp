// Actors under CAF's deterministic scheduler: nothing runs unless the test says so, and the clock is
// the test's.
#pragma once

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <vector>

namespace mana::test {

// What a request came to, once it did.
template <class T>
struct outcome {
  std::optional<T> value;
  std::optional<caf::error> error;
};

class virtual_time : public testing::Test {
protected:
  struct config : caf::actor_system_config {
    config() { set("scheduler.policy", caf::atom("testing")); }
  };

  ~virtual_time() override { stop_all(); }

  void run() { coordinator_.run(); }
  // In steps, so that a timer that a handler sets counts from the time of that handler.
  void advance(std::chrono::milliseconds by, std::chrono::milliseconds step = std::chrono::milliseconds{100}) {
    for (run(); by.count() > 0; by -= step) {
      coordinator_.advance_time(std::min(by, step));
      run();
    }
  }

  // The system waits for its actors, so each has to be ended by the fixture.
  template <class Handle>
  Handle keep(Handle handle) {
    kept_.push_back(caf::actor_cast<caf::actor>(handle));
    return handle;
  }
  void stop_all() {
    for (auto& actor : kept_)
      caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
    kept_.clear();
    run();
  }

  template <class Answer, class Handle, class Request>
  std::shared_ptr<outcome<Answer>> ask(const Handle& to, Request what) {
    auto out = std::make_shared<outcome<Answer>>();
    // With an argument: without one CAF binds a reference to a null pointer, which UBSan reports.
    sys_.spawn(
        [=](caf::event_based_actor* self, const Handle& receiver) {
          self->request(receiver, caf::infinite, what)
              .then([=](const Answer& a) { out->value = a; }, [=](const caf::error& e) { out->error = e; });
        },
        to);
    run();
    return out;
  }

  config cfg_;
  caf::actor_system sys_{cfg_};
  caf::scheduler::test_coordinator& coordinator_ = dynamic_cast<caf::scheduler::test_coordinator&>(sys_.scheduler());

private:
  std::vector<caf::actor> kept_;
};

} // namespace mana::test
