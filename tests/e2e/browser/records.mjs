// Records as the browser app writes them: which fields are sealed, and in which app's part of the log they live.
import { sealEnc2 } from './envelope.mjs';
import { deriveRecordKey } from './keys.mjs';

export const encryptedTables = {
  notes: { app: 'notes', fields: ['title', 'content'] },
  tasks: { app: 'todo', fields: ['title', 'description', 'subtasks', 'metadata'] },
  events: { app: 'calendar', fields: ['title', 'description', 'location'] },
  journalEntries: { app: 'journal', fields: ['title', 'content'] },
  kontextDoc: { app: 'kontext', fields: ['content'] },
};

// The record with its confidential fields sealed; others, and null, stay as they are.
export async function sealRecord(masterKey, table, id, record) {
  const { fields } = encryptedTables[table];
  const key = await deriveRecordKey(masterKey, table, id);
  const out = { ...record };
  for (const field of fields) {
    if (out[field] != null) out[field] = await sealEnc2(key, table, id, field, out[field]);
  }
  return out;
}
