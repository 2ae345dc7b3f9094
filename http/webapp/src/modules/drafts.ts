// Forms that were left without saving: kept in memory, so that a wrong press costs nothing, and never on disk, since
// they are plaintext. Gone with the tab and with the session.
import { session } from '$lib/session/session';
import type { ControlValues } from './form_values';

const drafts = new Map<string, ControlValues>();
let owner: string | undefined;

session.subscribe(({ phase, userId }) => {
  if (phase === 'open' && userId === owner) return;
  if (phase === 'open' || phase === 'signed-out') drafts.clear();
  owner = userId;
});

export const draftOf = (form: string): ControlValues | undefined => drafts.get(form);
export const keepDraft = (form: string, values: ControlValues) => void drafts.set(form, values);
export const dropDraft = (form: string) => void drafts.delete(form);
