// Whether runs in this browser may use a mission's encrypted inputs. Only where the user said so for this mission, on
// this device, knowing the language model that then gets the text; no by default.
import { liveQuery } from 'dexie';
import { readable, type Readable } from 'svelte/store';
import { api } from '$lib/api/client';
import { database, db } from '$lib/store/db';
import type { Mission } from '$lib/model/types';
import { inputKind } from './input_texts';

/** GET /api/v1/me/llm */
export interface LanguageModel {
  host: string;
  model: string;
  standIn: boolean;
  maxTokens?: number;
}

interface Permission {
  host: string;
  model: string;
  at: string;
}

const key = (missionId: string) => `runHere:${missionId}`;

export const languageModel = (): Promise<LanguageModel> => api<LanguageModel>('GET', '/api/v1/me/llm');

/** Inputs that hold encrypted text. */
export const sealedInputs = (mission: Mission): number =>
  (mission.inputs ?? []).filter((i) => (inputKind(i.module)?.sealed.length ?? 0) > 0).length;

export async function mayUseSealed(missionId: string, llm: LanguageModel): Promise<boolean> {
  const given = (await db.settings.get(key(missionId)))?.value as Permission | undefined;
  return given?.host === llm.host && given.model === llm.model;
}

export async function permitSealed(missionId: string, { host, model }: LanguageModel): Promise<void> {
  const value: Permission = { host, model, at: new Date().toISOString() };
  await db.settings.put({ key: key(missionId), value });
}

export const withdrawPermission = (missionId: string): Promise<void> => db.settings.delete(key(missionId));

/** For the mission's page, which shows it and can take it back. */
export const isPermitted = (missionId: string): Readable<boolean> =>
  readable(false, (set) => {
    let watching: { unsubscribe: () => void } | undefined;
    const stop = database.subscribe((current) => {
      watching?.unsubscribe();
      watching = current
        ? liveQuery(() => current.settings.get(key(missionId))).subscribe({
            next: (row) => set(row !== undefined),
            error: () => undefined, // the session ended
          })
        : undefined;
    });
    return () => {
      stop();
      watching?.unsubscribe();
    };
  });
