import type { ApiError } from '$lib/api/request';
import type { Iso } from '$lib/model/types';

export type Activity = 'idle' | 'syncing' | 'offline' | 'error';

export interface SyncState {
  state: Activity;
  /** Own changes that the service does not have yet; those refused are among them. */
  pending: number;
  /** Of them: those that the service refused. They are kept, and wait for a decision (sync/parked.ts). */
  parked: number;
  lastSyncedAt?: Iso;
  error?: ApiError;
}
