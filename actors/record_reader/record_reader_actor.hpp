// The record_reader: batches reads of many missions into few round trips.
#pragma once

#include "actors/database/job_batcher.hpp"
#include "messages/record_reader.hpp"

namespace mana {

class record_reader : public record_reader_actor::base {
public:
  record_reader(caf::actor_config& cfg, database_actor database);

  const char* name() const override { return "record_reader"; }
  void on_exit() override { batcher_.stop(); }

protected:
  behavior_type make_behavior() override;

private:
  job_batcher<read_records, records_read> batcher_;
};

} // namespace mana
