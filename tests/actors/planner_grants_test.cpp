// A run with a grant: nothing that was decrypted is used before the audit_writer has confirmed it.
#include "tests/actors/planner_fixture.hpp"
#include "tests/granted_record.hpp"

#include <gmock/gmock.h>

namespace mana::test {

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const record_ref note_ref{"notes", "notes", "n1"}, goal_ref{"companion", "companionGoals", "g1"};

class granted_planner_test : public planner_test {
protected:
  granted_planner_test() {
    config_.keys = crypto::private_keys();
    config_.audit_timeout = 2s;
    grant_ = issue_test_grant(run_.held.key, slot, {"notes:n1"});
    reader_.answers = {records_read{{sealed_note(), {goal_ref, R"({"title":"Wasser"})", {}}}}};
  }

  static record_text sealed_note() {
    json::value note = json::object{{"title", seal_text("notes", "n1", "title", "Geheim")}};
    return {note_ref, json::to_text(note), {}};
  }

  // A mission with the grant and these inputs, as `module:id`.
  void start_with(std::vector<std::string> inputs = {"notes:n1"}, json::value more = {}) {
    json::array list;
    for (auto& i : inputs)
      list.push_back(
          json::object{{"module", i.substr(0, i.find(':'))}, {"table", "any"}, {"id", i.substr(i.find(':') + 1)}});
    json::object record{{"id", "m1"}, {"title", "Teeth"}, {"cadence", json::object{{"kind", "manual"}}}};
    record.set("inputs", std::move(list));
    record.set("grant", grant_);
    if (auto* members = more.as_object())
      for (auto& [name, v] : *members)
        record.set(name, v);
    start(json::to_text(json::value{std::move(record)}));
  }

  std::string fingerprint() const { return *crypto::grant_fingerprint(grant_); }
  std::vector<std::string> last_inputs() const { return inputs_.empty() ? std::vector<std::string>{} : inputs_.back(); }

  json::value grant_;
};

TEST_F(granted_planner_test, a_granted_note_becomes_part_of_the_prompt) {
  start_with();
  expect_end(run_end::planned, std::nullopt);
  EXPECT_THAT(last_inputs(), ElementsAre("Notiz Titel: Geheim"));
  ASSERT_THAT(audits_, SizeIs(1));
  EXPECT_EQ(audits_[0].held, run_.held);
  EXPECT_EQ(audits_[0].iteration_id, iteration_id());
  ASSERT_THAT(audits_[0].events, SizeIs(1));
  EXPECT_EQ(audits_[0].events[0].table, "notes");
  EXPECT_EQ(audits_[0].events[0].record, "n1");
  EXPECT_EQ(audits_[0].events[0].status, decrypt_status::ok);
  EXPECT_EQ(ends_[0].grant_fingerprint, fingerprint());
  ASSERT_THAT(uses_, SizeIs(1));
  EXPECT_EQ(uses_[0].fingerprint, fingerprint());
  EXPECT_EQ(report().grant, "opened");
  EXPECT_EQ(report().decrypted_records, 1u);
  EXPECT_THAT(observed_, ElementsAre("decrypted notes 1"));
  EXPECT_EQ(owed_audit_rows_, 1u);
}

TEST_F(granted_planner_test, no_prompt_is_built_before_the_audit_answers) {
  audit_.silent = true;
  start_with();
  EXPECT_EQ(owed_audit_rows_, 1u);
  EXPECT_THAT(audits_, SizeIs(1));
  EXPECT_THAT(inputs_, IsEmpty());
  EXPECT_THAT(prompts_, IsEmpty());
}

TEST_F(granted_planner_test, an_audit_that_hangs_costs_the_decrypted_input_alone) {
  audit_.silent = true;
  start_with({"notes:n1", "goals:g1"});
  advance(2'900ms);
  EXPECT_THAT(inputs_, IsEmpty());
  advance(100ms);
  expect_end(run_end::planned, std::nullopt);
  EXPECT_THAT(last_inputs(), ElementsAre(HasSubstr("Wasser")));
  EXPECT_EQ(ends_[0].grant_fingerprint, "");
  EXPECT_EQ(report().decrypted_records, 0u);
  EXPECT_EQ(report().audit, 3s);
}

TEST_F(granted_planner_test, an_audit_that_fails_costs_the_decrypted_input_alone) {
  for (auto code : {errc::audit_unavailable, errc::database_unavailable, errc::internal}) {
    reports_.clear();
    ends_.clear();
    audit_.answers = {failure{code, ""}};
    start_with({"goals:g1", "notes:n1"});
    expect_end(run_end::planned, std::nullopt);
    EXPECT_THAT(last_inputs(), ElementsAre(HasSubstr("Wasser")));
  }
}

TEST_F(granted_planner_test, without_audit_and_other_inputs_the_slot_fails_and_says_so) {
  audit_.answers = {failure{errc::audit_unavailable, ""}};
  start_with();
  expect_end(run_end::failed, errc::audit_unavailable);
  EXPECT_THAT(prompts_, IsEmpty());
  EXPECT_THAT(summary(), HasSubstr("konnten nicht protokolliert werden"));
}

TEST_F(granted_planner_test, an_audit_writer_that_is_gone_counts_as_a_failure) {
  auto d = std::make_shared<planner_deps>(*deps());
  caf::anon_send_exit(d->audit, caf::exit_reason::kill);
  run();
  json::value record =
      json::object{{"id", "m1"},
                   {"title", "T"},
                   {"cadence", json::object{{"kind", "manual"}}},
                   {"grant", grant_},
                   {"inputs", json::array{json::object{{"module", "notes"}, {"table", "x"}, {"id", "n1"}}}}};
  run_.record = std::make_shared<const std::string>(json::to_text(record));
  keep(sys_.spawn<planner>(std::shared_ptr<const planner_deps>{d}, run_, fake_scheduler()));
  run();
  ASSERT_THAT(reports_, SizeIs(1));
  EXPECT_EQ(report().error, errc::audit_unavailable);
  EXPECT_THAT(prompts_, IsEmpty());
}

TEST_F(granted_planner_test, without_events_the_audit_is_not_asked) {
  start_with({"goals:g1"});
  expect_end(run_end::planned, std::nullopt);
  EXPECT_THAT(audits_, IsEmpty());
  EXPECT_EQ(owed_audit_rows_, 0u);
  EXPECT_EQ(ends_[0].grant_fingerprint, "");
}

TEST_F(granted_planner_test, an_input_outside_the_scope_is_recorded_and_not_read) {
  start_with({"notes:n2", "goals:g1"});
  expect_end(run_end::planned, std::nullopt);
  ASSERT_THAT(reads_, SizeIs(1));
  EXPECT_THAT(reads_[0].refs, ElementsAre(goal_ref));
  ASSERT_THAT(audits_, SizeIs(1));
  EXPECT_EQ(audits_[0].events[0].status, decrypt_status::scope_violation);
  EXPECT_EQ(audits_[0].events[0].reason, "record-not-in-grant-allowlist");
  EXPECT_THAT(observed_, ElementsAre("outside notes"));
  EXPECT_EQ(owed_audit_rows_, 1u);
  EXPECT_EQ(report().decrypted_records, 0u);
}

TEST_F(granted_planner_test, a_violation_that_cannot_be_recorded_does_not_fail_the_run) {
  audit_.answers = {failure{errc::audit_unavailable, ""}};
  start_with({"notes:n2"});
  expect_end(run_end::planned, std::nullopt);
  EXPECT_THAT(last_inputs(), IsEmpty());
}

TEST_F(granted_planner_test, a_record_that_does_not_open_is_recorded_and_left_out) {
  json::value note = json::object{{"title", seal_text("notes", "other", "title", "x")}};
  reader_.answers = {records_read{{{note_ref, json::to_text(note), {}}}}};
  start_with();
  expect_end(run_end::planned, std::nullopt);
  EXPECT_THAT(last_inputs(), IsEmpty());
  ASSERT_THAT(audits_, SizeIs(1));
  EXPECT_EQ(audits_[0].events[0].status, decrypt_status::failed);
  EXPECT_EQ(audits_[0].events[0].reason, "ciphertext-tampered-or-wrong-key");
}

// -- grants that are skipped --------------------------------------------------------------------------

TEST_F(granted_planner_test, a_grant_that_cannot_be_used_is_no_error) {
  auto revoked = json::object{{std::string{revoked_grants_key}, json::array{fingerprint()}}};
  struct {
    const char* reason;
    std::function<void()> prepare;
    json::value more;
  } cases[] = {
      {"not-configured", [&] { config_.keys.clear(); }, {}},
      {"expired", [&] { grant_.as_object()->set("expiresAt", "2026-03-01T08:00:01.000Z"); }, {}},
      {"malformed", [&] { grant_.as_object()->erase("recordKeys"); }, {}},
      {"revoked", [] {}, revoked},
      {"wrap-rejected", [&] { grant_.as_object()->set("expiresAt", "2026-03-09T08:00:00.000Z"); }, {}},
  };
  auto keys = config_.keys;
  auto grant = grant_;
  for (auto& c : cases) {
    SCOPED_TRACE(c.reason);
    config_.keys = keys;
    grant_ = grant;
    reports_.clear();
    ends_.clear();
    observed_.clear();
    c.prepare();
    start_with({"notes:n1", "goals:g1"}, c.more);
    expect_end(run_end::planned, std::nullopt);
    EXPECT_EQ(report().grant, c.reason);
    EXPECT_THAT(observed_, ElementsAre(std::string{"skipped "} + c.reason));
    EXPECT_THAT(last_inputs(), ElementsAre(HasSubstr("Wasser")));
  }
  EXPECT_THAT(audits_, IsEmpty());
  EXPECT_THAT(uses_, IsEmpty());
}

TEST_F(granted_planner_test, a_mission_without_a_grant_reads_what_is_plain) {
  grant_ = nullptr;
  start_with({"notes:n1", "goals:g1"});
  expect_end(run_end::planned, std::nullopt);
  EXPECT_THAT(reads_.at(0).refs, ElementsAre(note_ref, goal_ref));
  EXPECT_THAT(last_inputs(), ElementsAre(HasSubstr("Wasser")));
  EXPECT_EQ(report().grant, "");
  EXPECT_THAT(audits_, IsEmpty());
  EXPECT_THAT(observed_, IsEmpty());
}

// -- withdrawn in mid-run -----------------------------------------------------------------------------

TEST_F(granted_planner_test, a_plan_under_a_withdrawn_grant_is_dropped_and_the_slot_runs_again) {
  writer_.answers = {failure{errc::grant_revoked, ""}, run_ended{false}};
  run_.attempt = 5; // none is used up
  start_with();
  expect_end(run_end::parked, errc::grant_revoked);
  EXPECT_EQ(ends_.back().retry_after, 0ms);
  EXPECT_FALSE(ends_.back().iteration);
}

TEST_F(granted_planner_test, a_stop_ends_the_run_in_every_stage) {
  for (auto* waiting_for : {"reader", "audit", "model"}) {
    SCOPED_TRACE(waiting_for);
    reader_.silent = waiting_for == std::string_view{"reader"};
    audit_.silent = waiting_for == std::string_view{"audit"};
    llm_.silent = true;
    ended_ = false;
    start_with();
    EXPECT_FALSE(ended_);
    caf::anon_send_exit(planner_, caf::exit_reason::user_shutdown);
    run();
    EXPECT_TRUE(ended_);
  }
  EXPECT_THAT(reports_, IsEmpty());
  EXPECT_THAT(ends_, IsEmpty());
}

} // namespace

} // namespace mana::test
