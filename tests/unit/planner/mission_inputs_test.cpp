// Inputs under a grant: what is read, what is opened, and what the audit says about it.
#include "actors/planner/inputs/mission_inputs.hpp"
#include "tests/granted_record.hpp"

#include <gmock/gmock.h>

namespace mana {
namespace {

using test::seal_enc1;
using test::seal_json;
using test::seal_text;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const mission_key key{{"u1"}, {"m1"}};
const timestamp now = *parse_iso("2026-03-01T08:00:00Z");

crypto::opened_grant opened(const json::value& grant) {
  auto out = crypto::open_grant(grant, key.user.value, key.mission.value, now, false, {crypto::private_keys()});
  return std::get<crypto::opened_grant>(std::move(out));
}
crypto::opened_grant grant_for(std::vector<std::string> records) {
  return opened(test::issue_test_grant(key, now, std::move(records)));
}

// The first of the vectors' v1 grants, and an input in its scope.
struct v1_case {
  v1_case() : vectors(test_vectors("grants")), json(*vectors.find("cases")->as_array()->front().find("grant")) {
    auto id = crypto::texts_of(*json.find("derivation")->find("recordIds")).front();
    record = id.substr(id.find(':') + 1);
  }
  json::value vectors;
  json::value json;
  std::string record;
  crypto::opened_grant open() const {
    auto mission = json.find("derivation")->text("missionId");
    auto out = crypto::open_grant(json, "u", mission, *parse_iso(vectors.text("now")), false, {crypto::private_keys()});
    return std::get<crypto::opened_grant>(std::move(out));
  }
};

mission with_inputs(std::vector<input_ref> inputs) {
  mission m;
  m.inputs = std::move(inputs);
  return m;
}

json::value note(std::string_view title, std::string_view content) {
  return json::object{{"id", "n1"}, {"title", title}, {"content", content}};
}

// One note, n1, read and resolved.
input_texts resolved(const json::value& record, const crypto::opened_grant* grant) {
  auto selection = select_inputs(with_inputs({{"notes", "notes", "n1"}}), grant);
  return resolve_inputs(selection, {{{"notes", "notes", "n1"}, json::to_text(record), {}}}, grant);
}

void expect_failure(const input_texts& texts, std::string_view reason) {
  EXPECT_THAT(texts.inputs, IsEmpty());
  ASSERT_THAT(texts.events, SizeIs(1));
  EXPECT_EQ(texts.events[0].status, decrypt_status::failed);
  EXPECT_EQ(texts.events[0].reason, reason);
}

// -- what is read -------------------------------------------------------------------------------------

TEST(select_inputs, without_a_grant_everything_is_read) {
  auto s =
      select_inputs(with_inputs({{"notes", "notes", "n1"}, {"goals", "x", "g1"}, {"notes", "notes", "n1"}}), nullptr);
  EXPECT_THAT(s.refs, ElementsAre(record_ref{"notes", "notes", "n1"}, record_ref{"companion", "companionGoals", "g1"}));
  EXPECT_THAT(s.inputs, SizeIs(3));
  EXPECT_THAT(s.outside_scope, IsEmpty());
  EXPECT_THAT(s.links, IsEmpty());
}

TEST(select_inputs, what_the_allowlist_lacks_is_not_read) {
  auto grant = grant_for({"notes:n1"});
  auto s = select_inputs(with_inputs({{"notes", "notes", "n1"},
                                      {"notes", "notes", "n2"},
                                      {"notes", "notes", "n2"},
                                      {"goals", "x", "g1"},
                                      {"kontext", "x", "x"}}),
                         &grant);
  EXPECT_THAT(s.refs, ElementsAre(record_ref{"notes", "notes", "n1"}, record_ref{"companion", "companionGoals", "g1"}));
  ASSERT_THAT(s.outside_scope, SizeIs(2));
  EXPECT_EQ(s.outside_scope[0].table, "notes");
  EXPECT_EQ(s.outside_scope[0].record, "n2");
  EXPECT_EQ(s.outside_scope[0].status, decrypt_status::scope_violation);
  EXPECT_EQ(s.outside_scope[0].reason, "record-not-in-grant-allowlist");
  EXPECT_EQ(s.outside_scope[1].record, "singleton");
}

TEST(select_inputs, the_table_that_a_mission_names_gives_no_access) {
  auto grant = grant_for({"companionGoals:n2"});
  auto s = select_inputs(with_inputs({{"notes", "companionGoals", "n2"}}), &grant);
  EXPECT_THAT(s.refs, IsEmpty());
  EXPECT_THAT(s.outside_scope, SizeIs(1));
}

TEST(select_inputs, events_bring_their_time_blocks) {
  auto s = select_inputs(with_inputs({{"calendar", "events", "e1"}, {"calendar", "events", "e2"}}), nullptr);
  ASSERT_THAT(s.links, SizeIs(1));
  EXPECT_EQ(s.links[0].field, "timeBlockId");
  EXPECT_EQ(s.links[0].target_table, "timeBlocks");
}

// -- what is opened -----------------------------------------------------------------------------------

TEST(resolve_inputs, opens_the_fields_of_a_granted_record) {
  auto grant = grant_for({"notes:n1"});
  auto texts =
      resolved(note(seal_text("notes", "n1", "title", "Zahn"), seal_text("notes", "n1", "content", "weh")), &grant);
  ASSERT_THAT(texts.inputs, SizeIs(1));
  EXPECT_EQ(texts.inputs[0].shown.text.view(), "Titel: Zahn\nweh");
  EXPECT_TRUE(texts.inputs[0].decrypted);
  ASSERT_THAT(texts.events, SizeIs(1));
  EXPECT_EQ(texts.events[0].status, decrypt_status::ok);
  EXPECT_EQ(texts.events[0].reason, "");
  EXPECT_EQ(texts.decrypted.at("notes"), 2u);
}

TEST(resolve_inputs, without_a_grant_encrypted_fields_are_silently_absent) {
  auto texts = resolved(note(seal_text("notes", "n1", "title", "Zahn"), "offen"), nullptr);
  ASSERT_THAT(texts.inputs, SizeIs(1));
  EXPECT_EQ(texts.inputs[0].shown.text.view(), "offen");
  EXPECT_FALSE(texts.inputs[0].decrypted);
  EXPECT_THAT(texts.events, IsEmpty());
}

TEST(resolve_inputs, a_record_without_encrypted_fields_leaves_no_event) {
  auto grant = grant_for({"notes:n1"});
  auto texts = resolved(note("Zahn", "weh"), &grant);
  EXPECT_THAT(texts.inputs, SizeIs(1));
  EXPECT_FALSE(texts.inputs[0].decrypted);
  EXPECT_THAT(texts.events, IsEmpty());
}

TEST(resolve_inputs, a_record_that_is_listed_twice_is_opened_once) {
  auto grant = grant_for({"tasks:t1"});
  auto selection = select_inputs(with_inputs({{"tasks", "tasks", "t1"}, {"todo", "tasks", "t1"}}), &grant);
  json::value record = json::object{{"title", seal_text("tasks", "t1", "title", "Steuer")}};
  auto texts = resolve_inputs(selection, {{{"todo", "tasks", "t1"}, json::to_text(record), {}}}, &grant);
  EXPECT_THAT(texts.inputs, SizeIs(2));
  EXPECT_THAT(texts.events, SizeIs(1));
  EXPECT_EQ(texts.decrypted.at("tasks"), 1u);
}

TEST(resolve_inputs, fields_that_the_text_does_not_use_stay_closed) {
  auto grant = grant_for({"tasks:t1"});
  auto selection = select_inputs(with_inputs({{"tasks", "tasks", "t1"}}), &grant);
  json::value record = json::object{{"title", "x"}, {"metadata", seal_text("tasks", "t1", "metadata", "y")}};
  auto texts = resolve_inputs(selection, {{{"todo", "tasks", "t1"}, json::to_text(record), {}}}, &grant);
  EXPECT_THAT(texts.inputs, SizeIs(1));
  EXPECT_THAT(texts.events, IsEmpty());
}

TEST(resolve_inputs, values_that_are_no_text_show_nothing) {
  auto grant = grant_for({"notes:n1"});
  auto texts = resolved(note(seal_json("notes", "n1", "title", "{\"a\":1}"), "offen"), &grant);
  ASSERT_THAT(texts.inputs, SizeIs(1));
  EXPECT_EQ(texts.inputs[0].shown.text.view(), "offen");
  EXPECT_EQ(texts.events[0].status, decrypt_status::ok);
}

TEST(resolve_inputs, a_decrypted_text_that_looks_encrypted_is_just_text) {
  auto grant = grant_for({"notes:n1"});
  auto texts = resolved(note(seal_text("notes", "n1", "title", "enc:1:x"), ""), &grant);
  EXPECT_EQ(texts.inputs[0].shown.text.view(), "Titel: enc:1:x");
}

// -- what does not open -------------------------------------------------------------------------------

TEST(resolve_inputs, one_field_that_fails_drops_the_record) {
  auto grant = grant_for({"notes:n1"});
  auto moved = seal_text("notes", "n1", "content", "weh"); // to another field
  expect_failure(resolved(note(moved, seal_text("notes", "n1", "content", "weh")), &grant),
                 "ciphertext-tampered-or-wrong-key");
  expect_failure(resolved(note("offen", seal_text("notes", "n2", "content", "weh")), &grant),
                 "ciphertext-tampered-or-wrong-key");
  expect_failure(resolved(note("offen", "enc:2:x"), &grant), "ciphertext-malformed");
  expect_failure(resolved(note("offen", "enc:1:x"), &grant), "ciphertext-malformed");
  expect_failure(resolved(note("offen", seal_json("notes", "n1", "content", "no JSON")), &grant), "decrypt-failed");
}

TEST(resolve_inputs, the_first_reason_counts) {
  auto grant = grant_for({"notes:n1"});
  expect_failure(resolved(note("enc:2:x", seal_text("notes", "n2", "content", "weh")), &grant), "ciphertext-malformed");
}

TEST(resolve_inputs, a_grant_without_the_records_key) {
  auto json = test::issue_test_grant(key, now, {"notes:n1"});
  json.as_object()->find("recordKeys")->as_object()->erase("notes:n1");
  auto grant = opened(json);
  expect_failure(resolved(note("offen", seal_text("notes", "n1", "content", "weh")), &grant), "decrypt-failed");
}

TEST(resolve_inputs, enc1_under_v2_opens_only_when_it_was_sealed_for_the_grant) {
  auto grant = grant_for({"notes:n1"});
  auto texts = resolved(note(seal_enc1(grant.mdk(), "\"Zahn\""), ""), &grant);
  ASSERT_THAT(texts.inputs, SizeIs(1));
  EXPECT_EQ(texts.inputs[0].shown.text.view(), "Titel: Zahn");
  expect_failure(resolved(note(seal_enc1(test::browsers_master_key().view(), "\"Zahn\""), ""), &grant),
                 "not-sealed-for-grant");
}

TEST(resolve_inputs, v1_opens_what_its_mdk_sealed_and_nothing_else) {
  const v1_case v1;
  auto grant = v1.open();
  auto texts = [&](std::string value) {
    auto selection = select_inputs(with_inputs({{"notes", "notes", v1.record}}), &grant);
    record_ref ref{"notes", "notes", v1.record};
    return resolve_inputs(selection, {{ref, json::to_text(json::value{json::object{{"title", value}}}), {}}}, &grant);
  };
  ASSERT_TRUE(grant.allows("notes", v1.record));
  EXPECT_EQ(texts(seal_enc1(grant.mdk(), "\"Zahn\"")).inputs.at(0).shown.text.view(), "Titel: Zahn");
  expect_failure(texts(seal_enc1(test::browsers_master_key().view(), "\"x\"")), "ciphertext-tampered-or-wrong-key");
  expect_failure(texts(seal_text("notes", v1.record, "title", "x")), "ciphertext-tampered-or-wrong-key");
}

} // namespace
} // namespace mana
