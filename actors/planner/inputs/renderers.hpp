// How the records of each module read: see input_text.hpp.
#pragma once

#include "actors/planner/inputs/readable_record.hpp"

namespace mana {

sensitive_text goal_text(const readable_record& goal);
// Notes and journal entries.
sensitive_text note_text(const readable_record& note);
sensitive_text kontext_text(const readable_record& document);
sensitive_text task_text(const readable_record& task);
sensitive_text event_text(const readable_record& event);

} // namespace mana
