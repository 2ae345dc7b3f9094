#include "actors/audit_writer/audit_writer_actor.hpp"

#include "infra/postgres/breakable_call.hpp"

#include <algorithm>
#include <optional>

namespace mana {

namespace {

std::chrono::milliseconds whole_ms(caf::actor_clock::duration_type d) {
  return std::chrono::ceil<std::chrono::milliseconds>(d);
}

// The same batch would fail again, and one of its requests may be the reason.
bool is_refusal(errc code) {
  return code == errc::database_refused || code == errc::internal || code == errc::database_conflict;
}

bool is_busy(const audit_appended& appended, const user_id& user) {
  return std::find(appended.busy.begin(), appended.busy.end(), user) != appended.busy.end();
}

} // namespace

audit_writer::audit_writer(caf::actor_config& cfg, database_actor pool, audit_writer_config config,
                           audit_observer observer)
  : audit_writer_self::base(cfg), pool_(std::move(pool)), config_(config), observer_(std::move(observer)) {
  set_default_handler(caf::drop);
}

void audit_writer::on_exit() {
  failure f{errc::shutting_down, "the service stops"};
  for (auto& p : open_)
    answer(*p, &f);
  for (auto& b : under_way_)
    b->call->break_off();
  open_.clear();
  waiting_.clear();
  under_way_.clear();
  pool_ = nullptr;
}

audit_writer::behavior_type audit_writer::make_behavior() {
  return {
      [this](write_audit& w) -> caf::result<audit_written> {
        if (w.events.empty())
          return audit_written{};
        if (w.events.size() > config_.max_rows_per_request) {
          observer_.given_up(w.events.size());
          return to_caf({errc::audit_unavailable, "more records in one run than can be recorded at once"});
        }
        auto promise = make_response_promise<audit_written>();
        auto p = std::make_shared<pending>();
        p->request = std::make_shared<const write_audit>(std::move(w));
        p->promise = promise;
        p->arrived = p->not_before = clock().now();
        add(std::move(p));
        return promise;
      },
      [this](audit_timer t) {
        switch (t.due) {
          case audit_timer::kind::deadline: return expire();
          case audit_timer::kind::try_again: return start_batches();
          case audit_timer::kind::abandoned: return break_off_abandoned();
        }
      },
  };
}

void audit_writer::add(pending_ptr p) {
  open_.push_back(p);
  waiting_.push_back(std::move(p));
  wake_at_deadline();
  start_batches();
}

void audit_writer::answer(pending& p, const failure* why_not) {
  if (p.answered)
    return;
  p.answered = true;
  observer_.answered(clock().now() - p.arrived, why_not == nullptr);
  if (why_not == nullptr) {
    p.promise.deliver(audit_written{});
    return;
  }
  observer_.given_up(p.request->events.size());
  p.promise.deliver(to_caf(*why_not));
}

// -- batches ----------------------------------------------------------------------------------------

void audit_writer::start_batches() {
  while (under_way_.size() < config_.max_parallel) {
    auto b = next_batch();
    if (b->requests.empty())
      return;
    send(b);
  }
}

audit_writer::batch_ptr audit_writer::next_batch() {
  auto now = clock().now();
  auto b = std::make_shared<batch>();
  std::size_t rows = 0;
  bool full = false;
  std::deque<pending_ptr> left;
  for (auto& p : waiting_) {
    if (p->answered)
      continue;
    auto n = p->request->events.size();
    bool fits = b->requests.empty()
                || (!p->alone && b->requests.size() < config_.max_batch_requests && rows + n <= config_.max_batch_rows);
    if (full || !fits || p->not_before > now || users_under_way_.contains(p->user())) {
      full = full || !fits;
      left.push_back(std::move(p));
      continue;
    }
    full = p->alone;
    rows += n;
    b->requests.push_back(std::move(p));
  }
  waiting_ = std::move(left);
  return b;
}

void audit_writer::send(const batch_ptr& b) {
  under_way_.insert(b);
  b->call = std::make_shared<pg::breakable_call>();
  auto requests = std::make_shared<std::vector<audit_request>>();
  for (auto& p : b->requests) {
    requests->push_back(p->request);
    users_under_way_.insert(p->user());
  }
  auto last = *std::max_element(b->requests.begin(), b->requests.end(),
                                [](auto& x, auto& y) { return x->arrived < y->arrived; });
  auto limit = whole_ms(deadline_of(*last) - clock().now());
  database_job job{"append_audit", [requests, limit, call = b->call](pg::connection& db) -> std::any {
                     pg::breakable_call::scope scope{*call, db};
                     return scope.wanted() ? std::optional{append_audit(db, *requests, limit)} : std::nullopt;
                   }};
  request(pool_, caf::infinite, std::move(job))
      .then(
          [this, b](database_answer& a) {
            if (auto& appended = a.as<std::optional<audit_appended>>())
              done(b, *appended);
            else
              failed(b, {errc::cancelled, "nobody waits for these rows any more"});
          },
          [this, b](caf::error& e) { failed(b, to_failure(e)); });
}

void audit_writer::done(const batch_ptr& b, const audit_appended& appended) {
  release(b);
  count(*b, appended);
  for (auto& p : b->requests)
    if (!is_busy(appended, p->user()))
      answer(*p, nullptr);
    else
      try_again(p, config_.busy_pause);
  start_batches();
}

// What was asked for and is not new was there: of a try whose commit was not answered.
void audit_writer::count(const batch& b, const audit_appended& appended) {
  std::size_t asked = 0;
  for (auto& p : b.requests)
    if (!is_busy(appended, p->user()))
      asked += p->request->events.size();
  if (appended.rows > 0)
    observer_.committed(appended.rows);
  if (asked > appended.rows)
    observer_.found(asked - appended.rows);
}

void audit_writer::failed(const batch_ptr& b, const failure& f) {
  release(b);
  observer_.failed(f);
  failure why{errc::audit_unavailable, std::string{to_string(f.code)} + ": " + f.detail};
  bool single = b->requests.size() == 1;
  for (auto& p : b->requests) {
    if (!is_refusal(f.code)) {
      try_again(p, config_.retry_pause);
    } else if (single) {
      answer(*p, &why);
    } else {
      p->alone = true;
      try_again(p, std::chrono::milliseconds{0});
    }
  }
  start_batches();
}

void audit_writer::release(const batch_ptr& b) {
  under_way_.erase(b);
  for (auto& p : b->requests)
    users_under_way_.erase(p->user());
}

void audit_writer::try_again(const pending_ptr& p, std::chrono::milliseconds pause) {
  if (p->answered)
    return;
  p->not_before = clock().now() + pause;
  waiting_.push_back(p);
  if (pause.count() > 0)
    delayed_send(this, pause, audit_timer{audit_timer::kind::try_again});
}

// -- deadlines --------------------------------------------------------------------------------------

// One timer at a time: all requests have the same limit, so the oldest is due first.
void audit_writer::wake_at_deadline() {
  while (!open_.empty() && open_.front()->answered)
    open_.pop_front();
  if (deadline_timer_set_ || open_.empty())
    return;
  deadline_timer_set_ = true;
  delayed_send(this, deadline_of(*open_.front()) - clock().now(), audit_timer{audit_timer::kind::deadline});
}

bool audit_writer::is_abandoned(const batch_ptr& b) {
  return std::all_of(b->requests.begin(), b->requests.end(), [](auto& p) { return p->answered; });
}

void audit_writer::expire() {
  deadline_timer_set_ = false;
  failure f{errc::audit_unavailable, "the rows were not committed in time"};
  auto now = clock().now();
  for (auto& p : open_) {
    if (deadline_of(*p) > now)
      break;
    answer(*p, &f);
  }
  if (std::any_of(under_way_.begin(), under_way_.end(), is_abandoned))
    delayed_send(this, config_.break_off_after, audit_timer{audit_timer::kind::abandoned});
  wake_at_deadline();
}

void audit_writer::break_off_abandoned() {
  for (auto& b : under_way_)
    if (is_abandoned(b))
      b->call->break_off();
}

} // namespace mana
