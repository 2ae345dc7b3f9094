// The audit_reader: shows a user's audit rows and checks their chain, in chunks, so that a long chain
// neither holds a connection nor fills the memory.
#pragma once

#include "actors/audit_chain/audit_chain.hpp"
#include "messages/audit_reader.hpp"
#include "messages/database.hpp"

#include <cstddef>
#include <memory>

namespace mana {

struct audit_reader_config {
  std::size_t max_page = 1'000;
  std::size_t verify_chunk = 5'000; // rows of one database job
};

class audit_reader : public audit_reader_actor::base {
public:
  audit_reader(caf::actor_config& cfg, database_actor database, audit_reader_config config = {});

  const char* name() const override { return "audit_reader"; }
  void on_exit() override { database_ = nullptr; }

protected:
  behavior_type make_behavior() override;

private:
  using promise = caf::typed_response_promise<audit_verdict>;
  void verify(const user_id& user, const chain_check& so_far, promise answer);

  database_actor database_;
  audit_reader_config config_;
};

} // namespace mana
