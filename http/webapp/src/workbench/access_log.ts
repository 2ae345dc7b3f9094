// The rows of the audit as a page shows them: the newest first, more on demand, new ones as they come.
import { writable, type Readable } from 'svelte/store';
import { api } from '$lib/api/client';
import type { AuditRow } from '$lib/model/types';

interface Page {
  rows: AuditRow[];
  nextCursor: string | null;
}

export interface AccessLogState {
  /** Undefined until the first answer. */
  rows?: AuditRow[];
  more: boolean;
  loading: boolean;
  error?: unknown;
}

const pageSize = 50;
const start: AccessLogState = { more: false, loading: false };

async function page(missionId: string | undefined, cursor?: string): Promise<Page> {
  const query = new URLSearchParams({ limit: String(pageSize) });
  if (missionId) query.set('missionId', missionId);
  if (cursor) query.set('cursor', cursor);
  return api<Page>('GET', `/api/v1/me/ai-audit?${query}`);
}

export class AccessLog {
  readonly #state = writable<AccessLogState>(start);
  readonly state: Readable<AccessLogState> = this.#state;
  #rows: AuditRow[] | undefined;
  #cursor: string | null = null;
  #missionId: string | undefined;
  // What was asked for another filter must not arrive in this one.
  #turn = 0;
  #busy = false;

  /** Of one mission, or of all. */
  async show(missionId: string | undefined): Promise<void> {
    this.#missionId = missionId;
    this.#rows = undefined;
    this.#cursor = null;
    this.#turn++;
    this.#busy = false;
    this.#state.set(start);
    await this.refresh();
  }

  /** New rows; keeps the older ones that are shown. */
  refresh = (): Promise<void> =>
    this.#load(async () => {
      const { rows, nextCursor } = await page(this.#missionId);
      return () => {
        const known = new Set(this.#rows?.map((r) => r.position));
        const overlaps = rows.some((r) => known.has(r.position));
        if (this.#rows && overlaps) {
          this.#rows = [...rows.filter((r) => !known.has(r.position)), ...this.#rows];
        } else {
          // Nothing known, or more came than a page holds: begun anew.
          this.#rows = rows;
          this.#cursor = nextCursor;
        }
      };
    });

  more = (): Promise<void> =>
    this.#load(async () => {
      if (this.#cursor === null) return () => undefined;
      const { rows, nextCursor } = await page(this.#missionId, this.#cursor);
      return () => {
        this.#rows = [...(this.#rows ?? []), ...rows];
        this.#cursor = nextCursor;
      };
    });

  async #load(ask: () => Promise<() => void>): Promise<void> {
    if (this.#busy) return;
    const turn = this.#turn;
    this.#busy = true;
    this.#state.update((s) => ({ ...s, loading: true }));
    let error: unknown;
    try {
      const apply = await ask();
      if (turn === this.#turn) apply();
    } catch (e) {
      error = e;
    }
    if (turn !== this.#turn) return;
    this.#busy = false;
    this.#state.set({ rows: this.#rows, more: this.#cursor !== null, loading: false, error });
  }
}
