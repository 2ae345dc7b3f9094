import {
  changeRecord,
  countVisit,
  createRecord,
  moveToBin,
  newRecord,
  removeForever,
  restore,
} from '$lib/modules/actions';
import { binnedRows, moduleRow, moduleRows, type Row } from '$lib/modules/records';
import { modules, moduleNamed } from '$lib/modules/registry';
import { db } from '$lib/store/db';
import { read, readAll } from '$lib/store/records';
import type { Readable } from 'svelte/store';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aUser } from '../store/helpers';

let user: Awaited<ReturnType<typeof aUser>>;
beforeEach(async () => void (user = await aUser()));
afterEach(() => user.end());

/** The first value that is known and fits. */
const first = <T>(store: Readable<T | undefined>, fits: (value: T) => boolean = () => true): Promise<T> =>
  new Promise((resolve) => {
    let stop: (() => void) | undefined;
    let done = false;
    stop = store.subscribe((value) => {
      if (done || value === undefined || !fits(value)) return;
      done = true;
      resolve(value);
      queueMicrotask(() => stop?.());
    });
  });
const calendar = moduleNamed('calendar')!;
const tasks = moduleNamed('tasks')!;
const start = '2026-05-01T08:00:00.000Z';

describe('the rows of a module', () => {
  it('are known to be none only after they were read', async () => {
    const seen: unknown[] = [];
    const stop = moduleRows(tasks).subscribe((rows) => seen.push(rows));
    expect(seen).toEqual([undefined]);
    expect(await first(moduleRows(tasks))).toEqual([]);
    stop();
  });
  it('come with what they begin with', async () => {
    await createRecord(tasks, { title: 'Da' });
    expect(await first(moduleRows(tasks))).toMatchObject([{ title: 'Da' }]);
  });
  it('of another id is told to be none', async () => {
    await createRecord(tasks, { title: 'Da' });
    expect(await first(moduleRow(tasks, 'nirgends'))).toBeNull();
  });
});

describe('an event', () => {
  const made = async () => {
    const id = await createRecord(calendar, { title: 'Konzert', startDate: start });
    return (await first(moduleRow(calendar, id), (r) => r !== null)) as Row;
  };

  it('has its times in a time block', async () => {
    const row = await made();
    expect(row).toMatchObject({ title: 'Konzert', startDate: start });
    expect(await read('events', row.id)).not.toHaveProperty('startDate');
    expect(await read('timeBlocks', String(row.timeBlockId))).toMatchObject({ startDate: start });
  });
  it('changes both, in one transaction', async () => {
    const row = await made();
    const endDate = '2026-05-01T10:00:00.000Z';
    await changeRecord(calendar, row, { title: 'Oper', endDate });
    expect(await readAll('timeBlocks')).toMatchObject([{ startDate: start, endDate }]);
    expect(await read('events', row.id)).toMatchObject({ title: 'Oper', timeBlockId: row.timeBlockId });
  });
  it('whose times never arrived gets new ones', async () => {
    const row = { ...(await made()), timeBlockId: undefined } as Row;
    await changeRecord(calendar, row, { startDate: start });
    const event = await read<{ timeBlockId: string }>('events', row.id);
    expect(await read('timeBlocks', event!.timeBlockId)).toMatchObject({ startDate: start });
  });
  it('goes to the bin with its times, comes back with them, and goes for ever', async () => {
    const row = await made();
    await moveToBin(calendar, row);
    // Event and time block are two tables: either may be seen first.
    const [binned] = await first(binnedRows(calendar), ([event]) => event?.startDate !== undefined);
    expect(binned).toMatchObject({ title: 'Konzert', startDate: start });
    expect(await readAll('timeBlocks')).toEqual([]);
    await restore(calendar, binned!);
    expect(await first(moduleRows(calendar), ([event]) => event?.startDate !== undefined)).toMatchObject([
      { startDate: start },
    ]);
    await removeForever(calendar, row);
    expect(await read('events', row.id)).toBeUndefined();
    expect(await read('timeBlocks', String(row.timeBlockId))).toBeUndefined();
  });
});

it('a task has a time of completion as long as it is done', async () => {
  const id = await createRecord(tasks, { ...newRecord(tasks, new Date()), title: 'Packen' });
  const row = async () => (await read(tasks.table, id)) as Row;
  await changeRecord(tasks, await row(), { isCompleted: true });
  expect((await row()).completedAt).toMatch(/^\d{4}-.*Z$/);
  await changeRecord(tasks, await row(), { isCompleted: false });
  expect((await row()).completedAt).toBeNull();
});

it('a visit counts, also at a place that knows no number', async () => {
  const places = moduleNamed('places')!;
  const id = await createRecord(places, { name: 'Kiosk' });
  for (const count of [1, 2]) {
    await countVisit(places, (await read(places.table, id)) as Row);
    expect(await read(places.table, id)).toMatchObject({ visitCount: count });
  }
});

it('the one document has its own id', async () => {
  const kontext = moduleNamed('kontext')!;
  expect(await createRecord(kontext, { content: 'x' })).toBe('singleton');
});

it('what is sealed leaves as ciphertext, of every module', async () => {
  for (const spec of modules)
    await createRecord(
      moduleNamed(spec.name)!,
      Object.fromEntries(spec.encrypted.map((f) => [f, 'KLARTEXT'])),
    );
  const outbox = JSON.stringify(await db.outbox.toArray());
  expect(outbox.match(/enc:2:/g)).toHaveLength(modules.reduce((n, m) => n + m.encrypted.length, 0));
  expect(outbox).not.toContain('KLARTEXT');
});
