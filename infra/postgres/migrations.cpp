#include "infra/postgres/migrator.hpp"

#include "embedded/migration_001_mission_snapshots.hpp"
#include "embedded/migration_002_change_capture.hpp"
#include "embedded/migration_003_claim.hpp"
#include "embedded/migration_004_end_of_run.hpp"
#include "embedded/migration_005_decrypt_audit.hpp"
#include "embedded/migration_006_erase_user.hpp"
#include "embedded/migration_007_deleted_rows.hpp"
#include "embedded/migration_008_linked_records.hpp"
#include "embedded/migration_009_budgets_and_quarantine.hpp"
#include "embedded/migration_010_fair_claim.hpp"
#include "embedded/migration_011_quarantine.hpp"
#include "embedded/migration_012_audit_partitions.hpp"
#include "embedded/migration_013_queue_by_user.hpp"
#include "embedded/migration_014_foreground_runs.hpp"
#include "embedded/migration_015_scans_from.hpp"
#include "embedded/migration_016_grant_changes.hpp"
#include "embedded/migration_017_take_each_entry.hpp"
#include "embedded/migration_018_plans_that_stay.hpp"
#include "embedded/migration_auth_001_vaults.hpp"
#include "embedded/migration_auth_002_sign_in.hpp"
#include "embedded/migration_sync_001_cursor_and_notices.hpp"
#include "embedded/migration_sync_002_plans_of_notices.hpp"
#include "embedded/migration_sync_003_watched_users.hpp"

#include <array>

namespace mana::pg {

const migration_set& runner_migrations() {
  static const std::array all{
      migration{1, "mission_snapshots", embedded::migration_001_mission_snapshots},
      migration{2, "change_capture", embedded::migration_002_change_capture},
      migration{3, "claim", embedded::migration_003_claim},
      migration{4, "end_of_run", embedded::migration_004_end_of_run},
      migration{5, "decrypt_audit", embedded::migration_005_decrypt_audit},
      migration{6, "erase_user", embedded::migration_006_erase_user},
      migration{7, "deleted_rows", embedded::migration_007_deleted_rows},
      migration{8, "linked_records", embedded::migration_008_linked_records},
      migration{9, "budgets_and_quarantine", embedded::migration_009_budgets_and_quarantine},
      migration{10, "fair_claim", embedded::migration_010_fair_claim},
      migration{11, "quarantine", embedded::migration_011_quarantine},
      migration{12, "audit_partitions", embedded::migration_012_audit_partitions},
      migration{13, "queue_by_user", embedded::migration_013_queue_by_user},
      migration{14, "foreground_runs", embedded::migration_014_foreground_runs},
      migration{15, "scans_from", embedded::migration_015_scans_from},
      migration{16, "grant_changes", embedded::migration_016_grant_changes},
      migration{17, "take_each_entry", embedded::migration_017_take_each_entry},
      migration{18, "plans_that_stay", embedded::migration_018_plans_that_stay},
  };
  static const migration_set set{"mana_ai", "mana_ai_owner", all};
  return set;
}

const migration_set& auth_migrations() {
  static const std::array all{
      migration{1, "vaults", embedded::migration_auth_001_vaults},
      migration{2, "sign_in", embedded::migration_auth_002_sign_in},
  };
  static const migration_set set{"mana_auth", "mana_auth_owner", all};
  return set;
}

const migration_set& sync_migrations() {
  static const std::array all{
      migration{1, "cursor_and_notices", embedded::migration_sync_001_cursor_and_notices},
      migration{2, "plans_of_notices", embedded::migration_sync_002_plans_of_notices},
      migration{3, "watched_users", embedded::migration_sync_003_watched_users},
  };
  static const migration_set set{"mana_sync", "mana_sync_owner", all};
  return set;
}

std::vector<const migration_set*> migrations_of(config::target_set targets) {
  std::vector<const migration_set*> out;
  if (targets.contains(config::target::runner))
    out.push_back(&runner_migrations());
  if (targets.contains(config::target::auth))
    out.push_back(&auth_migrations());
  if (targets.contains(config::target::sync))
    out.push_back(&sync_migrations());
  return out;
}

} // namespace mana::pg
