#include "tests/simulation/roles.hpp"

namespace mana::sim {

namespace {

using namespace std::chrono_literals;

template <class Role>
using modelled = typename Role::template extend<caf::reacts_to<deliver_answer>>;

const auto deliver = [](const deliver_answer& a) { a.deliver(); };

template <class Answer>
void fulfil(caf::typed_response_promise<Answer>& promise, const result<Answer>& answer) {
  answer ? promise.deliver(*answer) : promise.deliver(to_caf(answer.error()));
}

// Only the actor itself may keep its promise, and only when it gets a turn.
template <class Answer, class Self>
std::function<void(result<Answer>)> answer_into(Self* self, caf::typed_response_promise<Answer> promise) {
  return [me = caf::actor_cast<caf::actor>(self), promise](const result<Answer>& answer) {
    caf::anon_send(me, deliver_answer{[promise, answer]() mutable { fulfil(promise, answer); }});
  };
}

template <class Answer, class Self, class Work>
caf::result<Answer> ask_database(Self* self, const role_context& c, const char* what, Work work) {
  auto promise = self->template make_response_promise<Answer>();
  if (c.life->alive)
    c.around.net.call<Answer>(
        c.life, what, [work]() -> result<Answer> { return work(); }, answer_into<Answer>(self, promise));
  return promise;
}

template <class Handle>
Handle keep(Handle handle, std::vector<caf::actor>& all) {
  all.push_back(caf::actor_cast<caf::actor>(handle));
  return handle;
}

// -- the writer: after a COMMIT in doubt it looks again before it answers -----------------------------

struct pending_end {
  role_context context;
  end_run end;
  std::function<void(result<run_ended>)> answer;
  int doubts = 0;
};

void send_end(const std::shared_ptr<pending_end>& p) {
  constexpr int max_doubts = 3;
  auto& c = p->context;
  c.around.net.call<run_ended>(
      c.life, "end", [p] { return p->context.around.database.end(p->end); },
      [p](const result<run_ended>& r) {
        if (!r && r.error().code == errc::commit_in_doubt && p->doubts++ < max_doubts)
          send_end(p);
        else
          p->answer(r);
      });
}

// -- the language model -------------------------------------------------------------------------------

template <class Self>
caf::result<chat_answer> ask_llm(Self* self, const role_context& c, const chat_call& call) {
  auto planner = caf::actor_cast<caf::actor_addr>(self->current_sender()); // a promise takes it away
  auto promise = self->template make_response_promise<chat_answer>();
  if (!c.life->alive)
    return promise;
  auto lease = c.lease_of(planner.id());
  if (!lease)
    return promise; // the client gives up calls that nobody waits for
  auto token = lease->token;
  c.around.books.prompted(c.life->replica, token, call.prompt->messages.back().content.view());
  c.used(planner);
  auto reply = c.around.llm.reply();
  c.around.log(c.life->name, "asks for", token.value,
               "answer:", reply.answer ? std::string_view{"a text"} : to_string(reply.answer.error().code));
  auto answered = answer_into<chat_answer>(self, promise);
  c.around.loop.after(reply.after, [c, token, reply, answered] {
    if (reply.answer)
      c.around.books.answered(token, reply.answer->prompt_tokens + reply.answer->completion_tokens);
    if (c.life->alive)
      answered(reply.answer);
  });
  return promise;
}

} // namespace

mission_claimer_actor spawn_claimer(const role_context& context, std::vector<caf::actor>& all) {
  using role = modelled<mission_claimer_actor>;
  return keep(
      context.around.sys.spawn(
          [](role::pointer self, const role_context& c) -> role::behavior_type {
            auto& db = c.around.database;
            return {[=, &db](const claim_missions& order) {
                      return ask_database<claimed_missions>(self, c, "claim", [=, &db] { return db.claim(order); });
                    },
                    [=, &db](const renew_leases& order) {
                      return ask_database<leases_renewed>(self, c, "renew", [=, &db] { return db.renew(order.held); });
                    },
                    [=, &db](const hand_back& order) {
                      return ask_database<handed_back>(self, c, "hand_back",
                                                       [=, &db] { return db.hand_back(order.held, order.crashed); });
                    },
                    deliver};
          },
          context),
      all);
}

snapshot_refresher_actor spawn_refresher(const role_context& context, std::vector<caf::actor>& all) {
  using role = modelled<snapshot_refresher_actor>;
  return keep(context.around.sys.spawn(
                  [](role::pointer self, const role_context& c) -> role::behavior_type {
                    auto& db = c.around.database;
                    return {[=, &db](const refresh_snapshots&) {
                              return ask_database<snapshots_refreshed>(self, c, "refresh",
                                                                       [&db] { return db.refresh(); });
                            },
                            [](const log_changed&) {}, deliver};
                  },
                  context),
              all);
}

record_reader_actor spawn_reader(const role_context& context, std::vector<caf::actor>& all) {
  using role = modelled<record_reader_actor>;
  return keep(context.around.sys.spawn(
                  [](role::pointer self, const role_context& c) -> role::behavior_type {
                    auto& db = c.around.database;
                    return {[=, &db](const read_records& order) {
                              if (c.life->alive)
                                c.used(caf::actor_cast<caf::actor_addr>(self->current_sender()));
                              return ask_database<records_read>(self, c, "read", [=, &db] { return db.read(order); });
                            },
                            deliver};
                  },
                  context),
              all);
}

audit_writer_actor spawn_audit(const role_context& context, std::vector<caf::actor>& all) {
  using role = modelled<audit_writer_actor>;
  return keep(context.around.sys.spawn(
                  [](role::pointer self, const role_context& c) -> role::behavior_type {
                    auto& db = c.around.database;
                    return {[=, &db](const write_audit& order) -> caf::result<audit_written> {
                              if (db.broken() == broken_rule::audit_answers_early) {
                                c.around.loop.after(1s, [=, &db] { db.append_audit(order); });
                                return audit_written{};
                              }
                              return ask_database<audit_written>(self, c, "audit", [=, &db] {
                                db.append_audit(order);
                                return audit_written{};
                              });
                            },
                            deliver};
                  },
                  context),
              all);
}

iteration_writer_actor spawn_writer(const role_context& context, std::vector<caf::actor>& all) {
  using role = modelled<iteration_writer_actor>;
  return keep(context.around.sys.spawn(
                  [](role::pointer self, const role_context& c) -> role::behavior_type {
                    return {[=](const end_run& end) -> caf::result<run_ended> {
                              auto promise = self->make_response_promise<run_ended>();
                              if (c.life->alive)
                                send_end(std::make_shared<pending_end>(
                                    pending_end{c, end, answer_into<run_ended>(self, promise), 0}));
                              return promise;
                            },
                            deliver};
                  },
                  context),
              all);
}

llm_client_actor spawn_llm(const role_context& context, std::vector<caf::actor>& all) {
  using role = modelled<llm_client_actor>;
  return keep(context.around.sys.spawn(
                  [](role::pointer self, const role_context& c) -> role::behavior_type {
                    return {[=](const chat_call& call) { return ask_llm(self, c, call); },
                            [](const get_llm_status&) { return llm_status{}; }, deliver};
                  },
                  context),
              all);
}

} // namespace mana::sim
