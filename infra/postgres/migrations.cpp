#include "infra/postgres/migrator.hpp"

#include "embedded/migration_001_mission_snapshots.hpp"
#include "embedded/migration_002_change_capture.hpp"
#include "embedded/migration_003_claim.hpp"
#include "embedded/migration_004_end_of_run.hpp"
#include "embedded/migration_005_decrypt_audit.hpp"
#include "embedded/migration_006_erase_user.hpp"

#include <array>

namespace mana::pg {

std::span<const migration> embedded_migrations() {
  static const std::array all{
      migration{1, "mission_snapshots", embedded::migration_001_mission_snapshots},
      migration{2, "change_capture", embedded::migration_002_change_capture},
      migration{3, "claim", embedded::migration_003_claim},
      migration{4, "end_of_run", embedded::migration_004_end_of_run},
      migration{5, "decrypt_audit", embedded::migration_005_decrypt_audit},
      migration{6, "erase_user", embedded::migration_006_erase_user},
  };
  return all;
}

} // namespace mana::pg
