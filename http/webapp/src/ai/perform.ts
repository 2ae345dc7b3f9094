// Performing what an executor decided, and taking it back. Both in the caller's batch, so that a deed and the step that
// tells of it are stored together or not at all.
import { read, type Writer } from '$lib/store/records';
import type { ModuleRecord } from '$lib/modules/registry';
import type { Iso } from '$lib/model/types';
import type { Deed, DeedChange } from './deed';
import type { Change } from './executors/executor';
import { readHidden } from './hidden_records';
import { ToolError } from './tool_error';

export function deedFrom(changes: readonly Change[], at: Iso): Deed {
  const kept = changes.map((c): DeedChange => {
    const { table, id } = c;
    if (c.op === 'update') return { op: 'update', table, id, before: c.before, after: c.after };
    return { op: c.op, table, id };
  });
  return { at, changes: kept };
}

/** Inserts whose record is there already, from another device that approved the same step, are left out. */
export async function withoutDone(changes: readonly Change[]): Promise<Change[]> {
  const out: Change[] = [];
  for (const c of changes) if (c.op !== 'insert' || !(await read(c.table, c.id))) out.push(c);
  return out;
}

export async function perform(changes: readonly Change[], writer: Writer): Promise<void> {
  for (const c of changes)
    if (c.op === 'insert') await writer.insert(c.table, { ...c.fields, id: c.id });
    else if (c.op === 'update') await writer.update(c.table, c.id, c.after);
    else {
      await writer.update(c.table, c.id, c.mark);
      await writer.hide(c.table, c.id);
    }
}

// -- undo ---------------------------------------------------------------------------------------------------------

const same = (a: unknown, b: unknown) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

const bookkeeping = new Set(['id', 'createdAt', 'updatedAt', 'userId', 'deletedAt', 'unreadable']);

/** Nothing of the record is another than what the tool wrote, and nothing was added. */
const isAsInserted = (record: ModuleRecord, fields: Record<string, unknown>): boolean =>
  Object.keys({ ...fields, ...record }).every((k) => bookkeeping.has(k) || same(record[k], fields[k]));

/**
 * Throws REMOVED_SINCE or CHANGED_SINCE unless all that the deed changed is still as it left it. `wanted`: the changes
 * as the tool would make them, for the fields of what it inserted.
 */
export async function checkUndoable(deed: Deed, wanted: readonly Change[]): Promise<void> {
  for (const c of deed.changes) {
    if (c.op === 'hide') {
      const hidden = (await readHidden<ModuleRecord>(c.table)).some((r) => r.id === c.id);
      if (!hidden) throw new ToolError('CHANGED_SINCE');
      continue;
    }
    const record = await read<ModuleRecord>(c.table, c.id);
    if (!record || record.deletedAt) throw new ToolError('REMOVED_SINCE');
    if (c.op === 'update') {
      if (!Object.entries(c.after).every(([field, value]) => same(record[field], value)))
        throw new ToolError('CHANGED_SINCE');
    } else {
      const insert = wanted.find((w) => w.op === 'insert' && w.table === c.table && w.id === c.id);
      if (insert?.op !== 'insert' || !isAsInserted(record, insert.fields))
        throw new ToolError('CHANGED_SINCE');
    }
  }
}

export async function takeBack(deed: Deed, writer: Writer): Promise<void> {
  for (const c of [...deed.changes].reverse())
    if (c.op === 'insert') await writer.hide(c.table, c.id);
    else if (c.op === 'update') await writer.update(c.table, c.id, c.before);
    else await writer.unhide(c.table, c.id);
}
